/**
 * The candidate most like `wrong`, for "did you mean …?"; null when none is near enough to be a likely slip.
 * Near enough: at most one edit per three characters, at least one.
 */
export function nearestName(wrong: string, candidates: readonly string[]): string | null {
  const bound = Math.max(1, Math.floor(wrong.length / 3));
  let best: { name: string; distance: number } | null = null;
  for (const name of candidates) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase(), bound);
    if (distance <= bound && (best === null || distance < best.distance)) best = { name, distance };
  }
  return best?.name ?? null;
}

/** Levenshtein distance; answers `bound + 1` as soon as the lengths alone exceed the bound. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const removed = (previous[j] ?? 0) + 1;
      const inserted = (current[j - 1] ?? 0) + 1;
      current.push(Math.min(substituted, removed, inserted));
    }
    previous = current;
  }
  return previous[b.length] ?? bound + 1;
}

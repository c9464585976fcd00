import type { InputProblem } from '../src/domain/input-problems.ts';

/**
 * Texts that PostgreSQL cannot hold: a NUL character, or half of a surrogate pair. Found here, they are the client's
 * error with a path; found there, they would be ours.
 */
export function unstorableTexts(input: unknown): readonly InputProblem[] {
  const problems: InputProblem[] = [];
  walk(input, [], problems);
  return problems;
}

function walk(value: unknown, path: readonly (string | number)[], problems: InputProblem[]): void {
  if (typeof value === 'string') {
    const message = whyUnstorable(value);
    if (message !== null) problems.push({ path, message });
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => walk(item, [...path, index], problems));
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (whyUnstorable(key) !== null)
        problems.push({ path, message: 'has a key with a character that cannot be stored' });
      else walk(item, [...path, key], problems);
    }
  }
}

function whyUnstorable(text: string): string | null {
  if (text.includes('\0')) return 'contains a NUL character, which cannot be stored';
  if (!text.isWellFormed()) return 'contains half of a surrogate pair, which is no Unicode text';
  return null;
}

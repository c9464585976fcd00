/**
 * Awaits a condition: calls `probe` until it neither throws nor answers `undefined`/`false`, and returns its answer.
 * Fails after `timeoutMs` with the last error, so a red test says what was seen instead.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number; what?: string } = {},
): Promise<Exclude<T, undefined | false | null>> {
  const { timeoutMs = 10_000, everyMs = 20, what = 'the condition' } = options;
  const deadline = performance.now() + timeoutMs;
  let last: unknown = new Error('never answered');
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false && answer !== null) {
        return answer as Exclude<T, undefined | false | null>;
      }
      last = new Error(`answered ${String(answer)}`);
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`${what} did not come true within ${timeoutMs} ms`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Looks every 50 ms. Throws when `what` has not come about in time. */
export async function until(
  what: string,
  reached: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await reached())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs / 1_000} s for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

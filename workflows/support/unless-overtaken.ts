import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

/** What came of work that may be overtaken. */
export type Outcome<T> =
  { readonly kind: 'done'; readonly value: T } | { readonly kind: 'overtaken' };

/**
 * Does the work, and cancels it when `isOvertaken` becomes true before it is done; then waits until it has let go.
 * Work that gets done nevertheless is done. No condition is left behind, however it ends.
 */
export async function unlessOvertaken<T>(
  isOvertaken: () => boolean,
  work: () => Promise<T>,
): Promise<Outcome<T>> {
  const working = new CancellationScope();
  const watching = new CancellationScope();
  const worked = working.run(work);
  const followed = (): Promise<boolean> => worked.then(() => false);
  // When the watch itself is cancelled, so is the work: its end decides.
  const overtaken = watching.run(() => condition(isOvertaken)).then(() => true, followed);
  let wasOvertaken = false;
  try {
    wasOvertaken = await Promise.race([followed(), overtaken]);
    if (wasOvertaken) working.cancel();
    return { kind: 'done', value: await worked };
  } catch (error) {
    if (wasOvertaken && isCancellation(error)) return { kind: 'overtaken' };
    throw error;
  } finally {
    watching.cancel();
  }
}

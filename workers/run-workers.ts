import { Worker, type WorkerOptions } from '@temporalio/worker';

/** Workers of Temporal that poll. */
export interface RunningWorkers {
  /** Stops polling and waits for what runs; never rejects. */
  close(): Promise<void>;
}

export interface RunWorkersOptions {
  readonly workers: readonly WorkerOptions[];
  /**
   * Called when a worker has ended with an error: Temporal refuses it for good (its namespace is gone, it may not
   * poll). Nothing polls its queue in this process any more, so the process is to end.
   */
  readonly onFatal: (error: Error) => void;
}

/** Creates and runs all of them, or none: throws when one cannot be created, after the others have ended. */
export async function runWorkers({
  workers: options,
  onFatal,
}: RunWorkersOptions): Promise<RunningWorkers> {
  const created = await Promise.allSettled(options.map((one) => Worker.create(one)));
  const workers = created.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  // Also when one is missing: only a worker that has run lets go of its connection.
  const running = workers.map((worker) => worker.run());
  const close = async (): Promise<void> => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(running);
  };
  for (const [index, one] of running.entries()) {
    one.catch((cause: unknown) => onFatal(fatal(workers[index]?.options.taskQueue, cause)));
  }
  const failed = created.find((one) => one.status === 'rejected');
  if (failed === undefined) return { close };
  await close();
  throw failed.reason;
}

function fatal(taskQueue: string | undefined, cause: unknown): Error {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `Temporal ended the worker of queue ${taskQueue ?? 'unknown'}, so this process ends: ${words}`,
    { cause },
  );
}

import { startControlWorker } from './start-control-worker.ts';
import { runWorkerProcess } from './worker-process.ts';

/** The control worker as a process of its own. */

const END_WITHIN_MS = 15_000;

await runWorkerProcess(
  'control-worker',
  () => END_WITHIN_MS,
  async ({ config, clock, log, lifecycle, fail, db, temporal }) => {
    const { workflowBundle } = config;
    const worker = await startControlWorker({
      db,
      temporal,
      clock,
      log,
      onFatal: fail,
      holdTimeoutMs: config.hold.timeoutMs,
      runHeartbeatTimeoutMs: config.run.timeoutMs,
      ...(workflowBundle === undefined ? {} : { workflowBundle }),
    });
    lifecycle.onEnd('the control worker', () => worker.close());
  },
);

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Context } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import { createHoldLease, NotPermitted } from '../../../activities/hold-gateway/lease.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { connectTemporal, type TemporalConnection } from '../../../src/temporal/connect.ts';
import { heartbeatActivity } from '../../../src/temporal/heartbeat.ts';
import { eventually } from '../../support/eventually.ts';
import { startOwnTemporal, type OwnTemporal } from '../../support/own-temporal.ts';

const HEARTBEAT_TIMEOUT_MS = 3_000;
const clock = systemClock();
let server: OwnTemporal;
let temporal: TemporalConnection;

beforeAll(async () => {
  server = await startOwnTemporal();
  temporal = await connectTemporal({
    connection: { address: server.address },
    namespace: 'default',
  });
});

afterAll(async () => {
  await temporal?.close();
  await server?.close();
});

test('a hold proves itself by acknowledged renewals, asks PostgreSQL while Temporal is away, and is joined by the next activity on its return (P24, P16, P32)', async () => {
  let databaseEpoch: number | Error = 1;
  const lease = createHoldLease({
    heartbeat: (token, deadlineMs) => heartbeatActivity(temporal.client, token, deadlineMs),
    readOwnerEpoch: async () => {
      if (databaseEpoch instanceof Error) throw databaseEpoch;
      return databaseEpoch;
    },
    clock,
    renewEveryMs: 500,
    timeoutMs: HEARTBEAT_TIMEOUT_MS,
  });
  let gone = 0;
  let finish = (): void => undefined;
  const activities = {
    holdOnce: (ownerEpoch: number): Promise<string> =>
      new Promise((resolve, reject) => {
        databaseEpoch = ownerEpoch;
        finish = () => resolve('finished');
        lease.attach({
          taskToken: Context.current().info.taskToken,
          ownerEpoch,
          onGone: () => {
            gone += 1;
            reject(new Error('detached'));
          },
        });
      }),
  };
  const worker = await Worker.create({
    connection: temporal.native,
    taskQueue: 'lease',
    workflowsPath: fileURLToPath(new URL('../../support/hold-once-workflow.ts', import.meta.url)),
    activities,
  });
  await worker.runUntil(async () => {
    try {
      const handle = await temporal.client.workflow.start('holdUntilFinished', {
        workflowId: 'lease',
        taskQueue: 'lease',
        args: [HEARTBEAT_TIMEOUT_MS],
      });
      await eventually(() => lease.isFresh(), {
        timeoutMs: 30_000,
        what: 'the first acknowledged renewal',
      });
      expect(lease.permit()).toBeUndefined();

      const epoch = lease.ownerEpoch();
      await server.kill();
      await eventually(() => !lease.isFresh(), { what: 'the proof to age' });
      // Without Temporal the epoch in PostgreSQL decides.
      databaseEpoch = epoch;
      await expect(lease.permit()).resolves.toBeUndefined();
      databaseEpoch = epoch + 1;
      await expect(lease.permit()).rejects.toThrow(NotPermitted);
      databaseEpoch = new Error('PostgreSQL does not answer');
      await expect(lease.permit()).rejects.toMatchObject({ reason: 'unproven' });
      expect(gone).toBe(epoch - 1);

      // The activity outlives its time-out on the server: on return its token is unknown, and the next one joins.
      await clock.sleep(HEARTBEAT_TIMEOUT_MS);
      await server.start();
      await eventually(() => gone >= epoch, {
        timeoutMs: 30_000,
        what: 'the old activity to detach',
      });
      await eventually(() => lease.ownerEpoch() > epoch && lease.isFresh(), {
        timeoutMs: 30_000,
        what: 'the next activity to join the lease',
      });
      expect(lease.permit()).toBeUndefined();
      finish();
      expect(await handle.result()).toBeGreaterThan(epoch);
    } finally {
      // A Worker waits for its activities: a red test must not hang.
      finish();
      lease.close();
    }
  });
}, 120_000);

import { expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import type { Database } from '../../../src/db/database.ts';
import { createDelivery, type Deliverable } from '../../../workers/delivery.ts';

const ATTEMPT: Deliverable = {
  attemptId: 'a',
  attemptNumber: 1,
  taskId: 't',
  workflowId: 'task/t',
  gatewayId: 'g',
  tenant: 'default',
  swarmId: 's',
  runLimitSeconds: 60,
};

test('the swarm of a task that ends with its failed delivery is told at once, not at the next reconcile (P18, P31)', async () => {
  let nowMs = 0;
  const news: string[] = [];
  const delivery = createDelivery({
    db: {
      call: async (name: string) => {
        if (name !== 'release_attempt') throw new Error(`unexpected: ${name}`);
        const settled = { kind: 'settled', state: 'cancelled', swarmId: 's' };
        return {
          kind: 'released',
          taskState: 'cancelled',
          settled: { ...settled, swarmBecameDirty: true },
        };
      },
    } as unknown as Database,
    client: {
      withDeadline: async () => {
        throw new Error('Temporal is away');
      },
    } as unknown as Client,
    clock: {
      now: () => nowMs,
      monotonic: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
      },
    },
    log: { warn: () => undefined },
    runHeartbeatTimeoutMs: 30_000,
    onStarted: () => undefined,
    onReleased: () => undefined,
    swarmNews: (swarmId) => void news.push(swarmId),
  });
  delivery.deliver(ATTEMPT);
  await delivery.close();
  expect(news).toEqual(['s']);
});

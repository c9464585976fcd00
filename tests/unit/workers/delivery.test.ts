import { expect, test } from '@jest/globals';
import type { Client } from '@temporalio/client';
import type { Database } from '../../../src/db/database.ts';
import { createDelivery, type Deliverable, type Delivery } from '../../../workers/delivery.ts';

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

/** Its clock runs only while it sleeps; a released attempt was the last one of a cancelled task of a swarm. */
function createDeliveryTo(client: unknown, onRoom: () => void, news: string[] = []): Delivery {
  let nowMs = 0;
  return createDelivery({
    db: {
      call: async (name: string) => {
        if (name === 'mark_delivered') return { kind: 'ok' };
        if (name !== 'release_attempt') throw new Error(`unexpected: ${name}`);
        const settled = { kind: 'settled', state: 'cancelled', swarmId: 's' };
        return {
          kind: 'released',
          taskState: 'cancelled',
          settled: { ...settled, swarmBecameDirty: true },
        };
      },
    } as unknown as Database,
    client: client as Client,
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
    onRoom,
    swarmNews: (swarmId) => void news.push(swarmId),
  });
}

test('the swarm of a task that ends with its failed delivery is told at once, not at the next reconcile (P18, P31)', async () => {
  const news: string[] = [];
  const away = {
    withDeadline: async () => {
      throw new Error('Temporal is away');
    },
  };
  const delivery = createDeliveryTo(away, () => undefined, news);
  delivery.deliver(ATTEMPT);
  await delivery.close();
  expect(news).toEqual(['s']);
});

test('while Temporal owes more than 16 answers claims wait, and they go on once it has caught up', async () => {
  const answers: (() => void)[] = [];
  const slow = {
    withDeadline: () =>
      new Promise((resolve) => {
        answers.push(() => resolve('started'));
      }),
  };
  let room = 0;
  const delivery = createDeliveryTo(slow, () => {
    room += 1;
  });
  const behind: boolean[] = [];
  for (let index = 0; index < 20; index += 1) {
    behind.push(delivery.isBehind());
    delivery.deliver({ ...ATTEMPT, attemptId: `a${index}` });
  }
  expect(behind).toEqual([...Array<boolean>(17).fill(false), ...Array<boolean>(3).fill(true)]);
  while (delivery.isBehind()) {
    expect(room).toBe(0);
    answers.shift()?.();
    await new Promise(setImmediate);
  }
  expect({ room, unanswered: answers.length }).toEqual({ room: 1, unanswered: 16 });
  for (const answer of answers) answer();
  await delivery.close();
});

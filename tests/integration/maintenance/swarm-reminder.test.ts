import { afterEach, expect, it } from '@jest/globals';
import { acceptSwarm, takeNews } from '../../../src/db/swarm-store.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { newId } from '../../../src/platform/ids.ts';
import { startSwarmReminder } from '../../../workers/swarm-reminder.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

const database = withDatabase();
const reminders: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(reminders.splice(0).map((reminder) => reminder.close()));
});

async function swarmUnreadFor(seconds: number): Promise<string> {
  const { db } = database();
  const accepted = await acceptSwarm(db, {
    id: newId('swarm'),
    tenant: 'default',
    name: 'lost',
    spec: {},
    onFailure: 'continue',
    maxParallel: 1,
    nodes: [],
    correlationId: 'test',
    idempotency: null,
    actor: 'test',
  });
  if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
  await db.rows(
    `update dash.swarms set dirty_since = now() - make_interval(secs => $2) where id = $1`,
    [accepted.swarm.id, seconds],
  );
  return accepted.swarm.id;
}

it('a swarm whose start or news was lost is told again within seconds, one that was read is not (P31)', async () => {
  const { db } = database();
  const told: string[] = [];
  let isAway = true;
  const lost = await swarmUnreadFor(60);
  const read = await swarmUnreadFor(60);
  await takeNews(db, read);
  reminders.push(
    startSwarmReminder({
      db,
      clock: systemClock(),
      log: { warn: () => undefined },
      messages: {
        startSwarm: async (swarmId) => {
          if (isAway) {
            isAway = false;
            throw new Error('Temporal is away');
          }
          told.push(`start ${swarmId}`);
        },
        signalSwarmNews: async (swarmId) => void told.push(`news ${swarmId}`),
      },
    }),
  );
  await eventually(() => told.includes(`news ${lost}`), { timeoutMs: 10_000 });
  expect(told.slice(0, 2)).toEqual([`start ${lost}`, `news ${lost}`]);
  expect(told.join()).not.toContain(read);
});

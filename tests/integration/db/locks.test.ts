import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { acceptTask } from '../../../src/db/accept.ts';
import {
  closeAttempt,
  beginSending,
  markAccepted,
  releaseAttempt,
} from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { Claim } from '../../../src/db/claim.ts';
import {
  TRANSACTION_TIMEOUT_MS,
  connectionConfig,
  type Database,
} from '../../../src/db/database.ts';
import { promoteDue } from '../../../src/db/due.ts';
import { readEvents, type EventRecord } from '../../../src/db/event-store.ts';
import { setClaimsOpen } from '../../../src/db/gateway-ownership.ts';
import { requeueTask } from '../../../src/db/retry-queue.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { newId } from '../../../src/platform/ids.ts';
import { acceptSwarm, admitSwarmNode, finishSwarm, takeNews } from '../../../src/db/swarm-store.ts';
import { withDatabase } from '../../support/database.ts';
import { seededRandom } from './random.ts';
import { accept, claim, completed, emptyDatabase, openGateway, taskOf } from './support.ts';

const database = withDatabase({ maxConnections: 30 });

beforeEach(() => emptyDatabase(database().db.pool));

describe('locks', () => {
  it('are taken in one order by everything: no deadlock while all of it runs at once (P2)', async () => {
    const { db } = database();
    const other = database().connect('another process', 30);
    const gateways = [
      await openGateway(db, 'g1', { configuredLanes: 40 }),
      await openGateway(db, 'g2', { configuredLanes: 40 }),
    ];
    const swarmId = await runningSwarm(db);
    const before = await deadlocks(db);
    const random = seededRandom(20_261_122);
    const stop = performance.now() + 4_000;
    const workers = Array.from({ length: 24 }, async (_, index) => {
      const via = index % 2 === 0 ? db : other;
      while (performance.now() < stop) await oneThing(via, random, gateways, swarmId);
    });
    const failures = (await Promise.allSettled(workers)).filter(
      (each) => each.status === 'rejected',
    );
    expect(failures).toEqual([]);
    expect(await deadlocks(db)).toBe(before);
    await countsAgree(db);
  }, 60_000);

  it('of a process frozen inside its claim are gone after 2 s, and the others go on (P4)', async () => {
    const { db, url } = database();
    const gateway = await openGateway(db, 'g1');
    await accept(db);
    const child = fork(join(import.meta.dirname, 'frozen-claimer.ts'), [url, 'claim'], {
      stdio: 'ignore',
    });
    try {
      await once(child, 'message');
      child.kill('SIGSTOP');
      const begun = performance.now();
      expect(await claim(db, [gateway])).toHaveLength(1);
      const waitedMs = performance.now() - begun;
      // It did wait for the frozen one, and not for longer than the time-out (and what a busy machine adds).
      expect(waitedMs).toBeGreaterThan(200);
      expect(waitedMs).toBeLessThan(3_500);
    } finally {
      child.kill('SIGKILL');
    }
  }, 30_000);

  it('of a process frozen inside its accept are gone after 2 s, and the others go on (P4)', async () => {
    const { db, url } = database();
    await accept(db, { sessionKey: 's' });
    const child = fork(join(import.meta.dirname, 'frozen-claimer.ts'), [url, 'accept'], {
      stdio: 'ignore',
    });
    try {
      await once(child, 'message');
      child.kill('SIGSTOP');
      const begun = performance.now();
      await accept(db, { sessionKey: 's' });
      const waitedMs = performance.now() - begun;
      expect(waitedMs).toBeGreaterThan(200);
      expect(waitedMs).toBeLessThan(3_500);
    } finally {
      child.kill('SIGKILL');
    }
  }, 30_000);
});

describe('a transaction that timed out behind a lock', () => {
  it('was rolled back, and is repeated by whoever called it (P4)', async () => {
    const { db, url } = database();
    await accept(db);
    const gateway = await openGateway(db, 'g1');
    const holder = new pg.Client(connectionConfig(url, 'holder', 0));
    await holder.connect();
    await holder.query('begin');
    await holder.query('select dash.lock_claims()');
    const claiming = claim(db, [gateway]);
    await sleep(TRANSACTION_TIMEOUT_MS + 300);
    await holder.query('commit');
    expect(await claiming).toHaveLength(1);
    await holder.end();
  }, 30_000);
});

describe('events', () => {
  it('are numbered in the order of their commits: a reader behind the newest never misses one (P5)', async () => {
    const { db, url } = database();
    const writer = database().connect('writers', 20);
    const seen: EventRecord[] = [];
    let done = false;
    const reader = (async () => {
      let after = 0;
      while (!done || after < (await lastSeq(db))) {
        const page = await readEvents(db, { after, limit: 50 });
        seen.push(...page.events);
        after = page.upTo;
      }
    })();
    // Some commits are slow on purpose: the client holds its transaction open after the event is written.
    const slow = fork(join(import.meta.dirname, 'slow-writer.ts'), [url], { stdio: 'ignore' });
    const ended = once(slow, 'exit');
    await once(slow, 'message');
    await Promise.all(Array.from({ length: 300 }, () => acceptTask(writer, taskOf())));
    await ended;
    done = true;
    await reader;
    const all = await db.rows<{ seq: number }>('select seq from dash.events order by seq');
    expect(all.length).toBeGreaterThan(305);
    expect(seen.map((event) => event.seq)).toEqual(all.map((row) => row.seq));
  }, 60_000);

  it('give a task the seq of its accepted event, so that order of tasks is order of commits (P5)', async () => {
    const { db } = database();
    await Promise.all(Array.from({ length: 50 }, () => accept(db)));
    const wrong = await db.rows(
      `select t.id from dash.tasks t
       left join dash.events e on e.seq = t.seq and e.type = 'task.accepted' and e.task_id = t.id
       where e.seq is null`,
    );
    expect(wrong).toEqual([]);
  });
});

async function lastSeq(db: Database): Promise<number> {
  const [row] = await db.rows<{ seq: number }>(
    'select coalesce(max(seq), 0) as seq from dash.events',
  );
  return row?.seq ?? 0;
}

async function deadlocks(db: Database): Promise<number> {
  const [row] = await db.rows<{ deadlocks: number }>(
    `select deadlocks from pg_stat_database where datname = current_database()`,
  );
  return row?.deadlocks ?? 0;
}

async function runningSwarm(db: Database): Promise<string> {
  const id = newId('swarm');
  await acceptSwarm(db, {
    id,
    tenant: 'a',
    name: 'stress',
    spec: {},
    onFailure: 'continue',
    maxParallel: 5,
    correlationId: 'c',
    idempotency: null,
    actor: null,
    nodes: Array.from({ length: 500 }, (_, index) => ({
      nodeId: `n${index}`,
      dependsOn: [],
      pool: 'default',
      template: {},
    })),
  });
  return id;
}

async function oneThing(
  db: Database,
  random: () => number,
  gateways: readonly { gatewayId: string; ownerEpoch: number }[],
  swarmId: string,
): Promise<void> {
  const choice = Math.floor(random() * 12);
  const fields = {
    tenant: random() < 0.5 ? 'a' : 'b',
    sessionKey: random() < 0.6 ? `s${Math.floor(random() * 4)}` : null,
    notBefore: random() < 0.1 ? new Date(Date.now() + 100).toISOString() : null,
    queueLimitSeconds: random() < 0.1 ? 1 : null,
  };
  if (choice < 3) await acceptTask(db, taskOf(fields));
  else if (choice === 3) {
    await admitSwarmNode(db, {
      ...taskOf(fields),
      swarmId,
      nodeId: `n${Math.floor(random() * 500)}`,
      taskId: newId('task'),
      priority: 3,
    });
  } else if (choice < 7) {
    const offered = gateways.map((each) => ({ ...each, lanes: 9, score: random(), reasons: [] }));
    for (const each of await claim(db, offered, 4)) await carry(db, each, random());
  } else if (choice === 7) await cancelSome(db);
  else if (choice === 8) await promoteDue(db);
  else if (choice === 9) await takeNews(db, swarmId);
  else if (choice === 10) {
    const { gatewayId } = gateways[0] ?? { gatewayId: 'g1' };
    await setClaimsOpen(db, { gatewayId, open: false, reason: 'stress' });
    await setClaimsOpen(db, { gatewayId, open: true, reason: 'stress' });
  } else await finishSwarm(db, { swarmId: 'none', state: 'failed', reason: null });
}

async function carry(
  db: Database,
  { attemptId, taskId, ownerEpoch }: Claim,
  chance: number,
): Promise<void> {
  if (chance < 0.15) {
    await releaseAttempt(db, { attemptId, reason: 'stress', from: 'planned' });
    return;
  }
  await beginSending(db, { attemptId, ownerEpoch, runId: 'r', bootId: 'b', stateId: 's' });
  await markAccepted(db, { attemptId, ownerEpoch });
  if (chance < 0.3) {
    await closeAttempt(db, { attemptId, ownerEpoch, outcome: 'failed' });
    await requeueTask(db, { taskId, attemptId });
    return;
  }
  await settleTask(db, {
    taskId,
    attemptId,
    ownerEpoch,
    attemptOutcome: 'succeeded',
    end: completed(),
  });
}

async function cancelSome(db: Database): Promise<void> {
  const rows = await db.rows<{ id: string }>(
    `select id from dash.tasks where open order by random() limit 2`,
  );
  for (const { id } of rows) {
    await requestCancel(db, { taskId: id, reason: 'cancelled', actor: 'stress' });
  }
}

async function countsAgree(db: Database): Promise<void> {
  const drift = await db.rows(
    `select tenant, pool, priority, open, counted from dash.task_counts
     full join (select tenant, pool, priority, count(*)::integer as counted from dash.tasks where open
                group by tenant, pool, priority) c using (tenant, pool, priority)
     where coalesce(open, 0) <> coalesce(counted, 0)`,
  );
  expect(drift).toEqual([]);
}

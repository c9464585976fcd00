import { sql } from 'kysely';
import { until } from '../bench/until.ts';
import { between, boundOf, readHistogram, type Histogram } from './histogram.ts';
import { quantilesOf, type Quantiles } from './quantiles.ts';
import { pause, type Stage } from './stage.ts';

export interface DeepQueue {
  readonly openTasks: number;
  /** A claim that finds one free lane among the gateways of the host, with nothing else at work. */
  readonly oneClaim: Quantiles;
  /** A claim that fills as many lanes as one may, with nothing else at work. */
  readonly fullClaim: Quantiles;
  /**
   * While lanes are filled and everything else works, 95 % of the claims took at most so long, each for up to 16
   * lanes (a bound of the host's own histogram); null: longer than all bounds.
   */
  readonly claimP95UpToMs: number | null;
  readonly claims: number;
  /** By what was asked. */
  readonly reads: Readonly<Record<string, Quantiles>>;
}

const BATCH = 250;
const TENANTS = 20;
const READS_OF_EACH = 60;
/** Enough to tell where 95 % of them lie. */
const CLAIMS = 300;
/** As many as a host takes with one claim (workers/claimer.ts). */
const FULL_CLAIM = 16;
const LONGEST_MS = 30_000;
/** Between two claims that are timed: a burst of somebody else's work is not to lie under a tenth of them. */
const BETWEEN_CLAIMS_MS = 25;
/** What was claimed at once takes Temporal's development server a while. */
const LONGEST_DRAIN_MS = 180_000;

/** Fills the queue up to `openTasks`, then claims from it for a while, and reads lists and reasons beside it. */
export async function runDeepQueue(stage: Stage, openTasks: number): Promise<DeepQueue> {
  const { ground } = stage;
  await ground.api.fleet.limits({ body: { maxOpenTasks: openTasks * 2 } });
  await ground.api.fleet.pause({ body: { reason: 'the queue is filled' } });
  await fill(stage, openTasks);
  const before = await claimHistogram(stage);
  await ground.api.fleet.resume({ body: {} });
  const wanted = Math.min(CLAIMS, openTasks / 4);
  const claims = await claimsSince(stage, before, { wanted, leave: openTasks / 2 });
  await ground.api.fleet.pause({ body: { reason: 'its reads are timed' } });
  await until('the runs to end', () => isIdle(stage), LONGEST_DRAIN_MS);
  const bound = boundOf(claims, 0.95);
  return {
    openTasks,
    oneClaim: await timeClaims(stage, (gateway, round) => (gateway === round ? 1 : 0), 1),
    fullClaim: await timeClaims(stage, () => 1, FULL_CLAIM),
    claims: claims.count,
    claimP95UpToMs: bound === null ? null : bound * 1_000,
    reads: await timeReads(stage, openTasks),
  };
}

/** Through the accept path in SQL: what is measured is not the API's speed here. */
async function fill(stage: Stage, openTasks: number): Promise<void> {
  const { db } = stage.ground;
  for (let done = 0; done < openTasks; done += BATCH) {
    await db.rows(
      `select count(dash.accept(jsonb_build_object(
         'id', 'deep-' || i, 'tenant', 'deep-' || i % $3::integer, 'pool', 'default', 'agent', 'main',
         'prompt', 'load [[say:done]]', 'priority', 1 + (i * 7) % 5, 'runLimitSeconds', 600, 'maxAttempts', 3,
         'idempotent', false, 'workflowId', 'task/deep-' || i, 'correlationId', 'load', 'actor', 'load',
         'sessionKey', case when i % 10 = 0 then 'deep-' || i % 5000 end,
         'notBefore', case when i % 20 = 1 then now() + interval '1 day' end)))
       from generate_series($1::integer, $2::integer) i`,
      [done, Math.min(done + BATCH, openTasks) - 1, TENANTS],
    );
    if (done % 10_000 === 0) stage.say(`${done} of ${openTasks} tasks queued`);
  }
}

/** Until so many claims were made, or no more than `leave` tasks wait: some are to be left for what is timed next. */
async function claimsSince(
  stage: Stage,
  before: Histogram,
  { wanted, leave }: { readonly wanted: number; readonly leave: number },
): Promise<Histogram> {
  const deadline = performance.now() + LONGEST_MS;
  for (;;) {
    await pause(250);
    const claims = between(before, await claimHistogram(stage));
    const [{ queued } = { queued: 0 }] = await stage.ground.db.rows<{ queued: number }>(
      `select count(*)::integer as queued from dash.tasks where state = 'queued'`,
    );
    if (claims.count >= wanted || queued <= leave || performance.now() > deadline) return claims;
  }
}

/** No lane is held, and the workflows of what has ended have ended too. */
async function isIdle({ ground }: Stage): Promise<boolean> {
  const [open] = await ground.db.rows<{ held: number; begun: number }>(
    `select (select count(*)::integer from dash.attempts where holds_lane) as held,
            (select count(*)::integer from dash.tasks where open and last_attempt > 0) as begun`,
  );
  if (open === undefined || open.held > 0) return false;
  const { count } = await ground.temporal.client.workflow.count(
    `WorkflowType = 'taskWorkflow' AND ExecutionStatus = 'Running'`,
  );
  return count <= open.begun;
}

/**
 * Claims as a host sends them, in transactions that are rolled back: the queue stays as it is. `lanes`: how many of
 * the gateway of that index are free in that round; `filled`: how many tasks each claim must find.
 */
async function timeClaims(
  { ground }: Stage,
  lanes: (gateway: number, round: number) => number,
  filled: number,
): Promise<Quantiles> {
  const gateways = await ground.db.rows<{ hostId: string; gatewayId: string; ownerEpoch: number }>(
    `select owner_host as "hostId", id as "gatewayId", owner_epoch::integer as "ownerEpoch" from dash.gateways`,
  );
  const hostId = gateways[0]?.hostId;
  const expected = Math.min(filled, gateways.length);
  const durationsMs: number[] = [];
  for (let index = 0; index < CLAIMS; index += 1) {
    const offers = gateways.map(({ gatewayId, ownerEpoch }, place) => ({
      ...{ gatewayId, ownerEpoch, lanes: lanes(place, index % gateways.length) },
      ...{ score: 1, reasons: ['load'] },
    }));
    const asked = JSON.stringify({ hostId, gateways: offers, max: FULL_CLAIM });
    await pause(BETWEEN_CLAIMS_MS);
    const undone = new Error('undone');
    await ground.db.kysely
      .transaction()
      .execute(async (transaction) => {
        await sql`update dash.installation set fleet_paused = false`.execute(transaction);
        const startedAt = performance.now();
        const { rows } = await sql<{ answer: { claims: unknown[] } }>`
          select dash.claim(${asked}::jsonb) as answer
        `.execute(transaction);
        durationsMs.push(performance.now() - startedAt);
        const found = rows[0]?.answer.claims.length;
        if (found !== expected) throw new Error(`${found} tasks were claimed, not ${expected}`);
        throw undone;
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error;
      });
  }
  return quantilesOf(durationsMs);
}

async function claimHistogram({ ground }: Stage): Promise<Histogram> {
  const response = await fetch(`${ground.hostUrl}/metrics`);
  return readHistogram(await response.text(), 'dash_claim_seconds');
}

async function timeReads({ ground }: Stage, openTasks: number): Promise<DeepQueue['reads']> {
  const { api } = ground;
  const task = (index: number): string => `deep-${(index * 1_009) % openTasks}`;
  const asked: Readonly<Record<string, (index: number) => Promise<unknown>>> = {
    'tasks, newest': () => api.tasks.list({ query: { limit: 100 } }),
    'tasks of a state': () => api.tasks.list({ query: { state: ['scheduled'], limit: 100 } }),
    'tasks of a tenant': (i) =>
      api.tasks.list({ query: { tenant: `deep-${i % TENANTS}`, limit: 100 } }),
    'tasks of a priority': () => api.tasks.list({ query: { priority: 'critical', limit: 100 } }),
    'tasks of a session': (i) =>
      api.tasks.list({ query: { session: `deep-${(i % 500) * 10}`, limit: 100 } }),
    'one task': (i) => api.tasks.get({ params: { taskId: task(i) } }),
    'why a task waits': (i) => api.tasks.why({ params: { taskId: task(i) } }),
    sessions: () => api.sessions.list({ query: { limit: 100 } }),
    gateways: () => api.gateways.list({}),
  };
  const reads: Record<string, Quantiles> = {};
  for (const [name, ask] of Object.entries(asked)) {
    const durationsMs: number[] = [];
    for (let index = 0; index < READS_OF_EACH; index += 1) {
      const startedAt = performance.now();
      await ask(index);
      durationsMs.push(performance.now() - startedAt);
    }
    reads[name] = quantilesOf(durationsMs);
  }
  return reads;
}

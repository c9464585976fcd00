import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { releaseAttempt } from '../../../src/db/attempt-run.ts';
import { requestCancel } from '../../../src/db/cancel.ts';
import type { OfferedGateway } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { setLimits } from '../../../src/db/installation-store.ts';
import { putPool } from '../../../src/db/pool-store.ts';
import { settleTask } from '../../../src/db/settle.ts';
import type { Priority } from '../../../src/domain/task.ts';
import { withDatabase } from '../../support/database.ts';
import { ClaimModel, type ModelGateway, type ModelTask } from './claim-model.ts';
import { accept, claim, completed, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase();

type Step =
  | {
      readonly kind: 'accept';
      readonly tenant: string;
      readonly pool: string;
      readonly priority: Priority;
      readonly session: string | null;
    }
  | { readonly kind: 'claim'; readonly max: number }
  | { readonly kind: 'settle' | 'release' | 'cancel'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('accept' as const),
      tenant: fc.constantFrom('a', 'b', 'c'),
      pool: fc.constantFrom('default', 'default', 'red', 'blue'),
      priority: fc.constantFrom<Priority>(1, 3, 3, 3, 5),
      session: fc.option(fc.constantFrom('s', 't'), { nil: null, freq: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      max: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'settle' as const,
        'settle' as const,
        'release' as const,
        'cancel' as const,
      ),
      which: fc.nat(1000),
    }),
  },
);

const fleet = fc.array(
  fc.record({
    pools: fc.subarray(['red', 'blue']),
    allowedTenants: fc.option(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { nil: null }),
    lanes: fc.integer({ min: 1, max: 6 }),
    score: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 1, maxLength: 3 },
);

interface Run {
  readonly db: Database;
  readonly model: ClaimModel;
  readonly offered: readonly OfferedGateway[];
  readonly attempts: Map<string, string>;
}

describe('the order of claims', () => {
  it('equals a simple model: priorities, tenants’ turns, seq, sessions, pins, pools, caps (P11, R4, R5)', async () => {
    const { db } = database();
    await fc.assert(
      fc.asyncProperty(
        fleet,
        fc.constantFrom(1, 3, 20),
        fc.array(step, { minLength: 30, maxLength: 90 }),
        async (gateways, cap, steps) => {
          const run = await begin(db, gateways, cap);
          for (const each of [...steps, { kind: 'claim' as const, max: 50 }]) await take(run, each);
        },
      ),
      { numRuns: 30 },
    );
  }, 120_000);
});

async function begin(
  db: Database,
  gateways: readonly Omit<ModelGateway, 'id'>[],
  cap: number,
): Promise<Run> {
  await emptyDatabase(db.pool);
  await setLimits(db, { maxRunningPerTenant: cap });
  for (const id of ['red', 'blue']) await putPool(db, { id, matchLabels: { [id]: 'yes' } });
  const fleetOf = gateways.map((gateway, index) => ({
    ...gateway,
    id: `g${index}`,
    pools: ['default', ...gateway.pools],
  }));
  const offered: OfferedGateway[] = [];
  for (const { id, pools, allowedTenants, lanes, score } of fleetOf) {
    const labels = Object.fromEntries(pools.map((pool) => [pool, 'yes']));
    const gateway = await openGateway(db, id, { labels, allowedTenants, configuredLanes: lanes });
    offered.push({ ...gateway, score });
  }
  return { db, model: new ClaimModel(fleetOf, cap), offered, attempts: new Map() };
}

async function take(run: Run, each: Step): Promise<void> {
  const { db, model, offered, attempts } = run;
  if (each.kind === 'accept') {
    const { kind: _, session, ...fields } = each;
    const { id, seq } = await accept(db, { ...fields, sessionKey: session });
    model.tasks.push({ ...fields, session, id, seq, state: 'open' });
    return;
  }
  if (each.kind === 'claim') {
    const claims = await claim(db, offered, each.max);
    for (const { taskId, attemptId } of claims) attempts.set(taskId, attemptId);
    expect(claims.map(({ taskId, gatewayId }) => ({ taskId, gatewayId }))).toEqual(
      model.claim(each.max),
    );
    return;
  }
  const among =
    each.kind === 'cancel' ? model.tasks.filter((task) => task.state === 'open') : model.running();
  const task = among[each.which % Math.max(1, among.length)];
  if (task !== undefined) await finish(run, each.kind, task);
}

async function finish(
  run: Run,
  kind: 'settle' | 'release' | 'cancel',
  task: ModelTask,
): Promise<void> {
  const { db, model, attempts } = run;
  const attemptId = attempts.get(task.id) ?? '';
  if (kind === 'release') {
    await releaseAttempt(db, { attemptId, reason: 'test', from: 'planned' });
    model.release(task);
    return;
  }
  if (kind === 'cancel')
    await requestCancel(db, { taskId: task.id, reason: 'cancelled', actor: 'tester' });
  else
    await settleTask(db, {
      taskId: task.id,
      attemptId,
      attemptOutcome: 'succeeded',
      end: completed(),
    });
  model.end(task);
}

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readAttempt } from '../../../src/db/attempt-record.ts';
import { releaseAttempt } from '../../../src/db/attempt-run.ts';
import { countUsage } from '../../../src/db/attempt-usage.ts';
import { putBudget, unblockBudgets } from '../../../src/db/budget-store.ts';
import type { Claim, OfferedGateway } from '../../../src/db/claim.ts';
import type { Database } from '../../../src/db/database.ts';
import { settleTask } from '../../../src/db/settle.ts';
import { usesUp } from '../../../src/domain/budget.ts';
import { withDatabase } from '../../support/database.ts';
import { accept, claim, completed, emptyDatabase, openGateway } from './support.ts';

const database = withDatabase();

/** No model call of the model uses more. */
const LONGEST_CALL = 30;
const LIMITS = { fleet: 160, 'tenant:a': 70, 'tenant:b': 110, 'session:a:s': 45 } as const;

type Step =
  | {
      readonly kind: 'accept';
      readonly tenant: 'a' | 'b';
      readonly session: 's' | null;
      readonly limit: number | null;
    }
  | { readonly kind: 'claim'; readonly max: number }
  | { readonly kind: 'call'; readonly which: number; readonly tokens: number }
  | { readonly kind: 'settle' | 'release'; readonly which: number }
  | { readonly kind: 'unblock' };

const which = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('accept' as const),
      tenant: fc.constantFrom('a', 'b'),
      session: fc.constantFrom(null, null, 's'),
      limit: fc.constantFrom(null, 20, 40, 65),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      max: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      which,
      tokens: fc.integer({ min: 1, max: LONGEST_CALL }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('settle', 'release'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unblock' as const) }) },
);

/** Hosts that run attempts as the attempt protocol demands: one more model call at most, once they are to stop. */
class Hosts {
  readonly open: { readonly claim: Claim; used: number }[] = [];
  readonly #db: Database;
  readonly #gateway: OfferedGateway;

  constructor(db: Database, gateway: OfferedGateway) {
    this.#db = db;
    this.#gateway = gateway;
  }

  async take(one: Step): Promise<void> {
    const db = this.#db;
    if (one.kind === 'accept') {
      const budget = one.limit === null ? null : { usd: null, tokens: one.limit };
      const sessionKey = one.tenant === 'a' ? one.session : null;
      await accept(db, { tenant: one.tenant, sessionKey, budget });
    } else if (one.kind === 'claim') {
      const claims = await claim(db, [this.#gateway], one.max);
      this.open.push(...claims.map((made) => ({ claim: made, used: 0 })));
    } else if (one.kind === 'unblock') await unblockBudgets(db);
    else if (this.open.length > 0) await this.#with(one);
  }

  async #with(one: Extract<Step, { which: number }>): Promise<void> {
    const index = one.which % this.open.length;
    const { attemptId } = this.open[index]!.claim;
    if (one.kind === 'release' && this.open[index]!.used === 0) {
      await releaseAttempt(this.#db, { attemptId, ownerEpoch: 1, reason: 'x', from: 'planned' });
      this.open.splice(index, 1);
    } else if (one.kind === 'call') await this.#call(index, one.tokens);
    else await this.#end(index);
  }

  /** One model call ends, and is told of; an attempt that is to end does so before its next one does. */
  async #call(index: number, tokens: number): Promise<void> {
    const run = this.open[index]!;
    run.used += tokens;
    const { attemptId } = run.claim;
    const counted = await countUsage(this.#db, { attemptId, ownerEpoch: 1, runs: this.#runs(run) });
    if (counted.kind !== 'ok') throw new Error(`not counted: ${counted.because}`);
    const budget = (await readAttempt(this.#db, attemptId))!.budget!;
    if (budget.gone !== null || usesUp(budget, { usd: 0, tokens: run.used }))
      await this.#end(index);
  }

  async #end(index: number): Promise<void> {
    const [run] = this.open.splice(index, 1);
    const { taskId, attemptId } = run!.claim;
    await settleTask(this.#db, {
      taskId,
      attemptId,
      ownerEpoch: 1,
      attemptOutcome: 'succeeded',
      runs: this.#runs(run!),
      end: completed(),
    });
  }

  #runs({ claim: { taskId }, used }: { claim: Claim; used: number }) {
    return [{ runId: `${taskId}-a1`, totalTokens: used, costUsd: 0 }];
  }
}

interface Row {
  readonly name: keyof typeof LIMITS;
  readonly spent: number;
  readonly reserved: number;
  readonly set_aside: number;
  readonly entered: number;
}

/** Each budget beside what the attempts within it have set aside, and what the ledger says of their tasks. */
async function budgets(db: Database): Promise<Row[]> {
  const { rows } = await db.pool.query<Row>(`
    select b.name, b.spent_tokens::float8 as spent, b.reserved_tokens::float8 as reserved,
      (select coalesce(sum(a.reserved_tokens), 0)::float8 from dash.attempts a
       where a.open and b.number = any(a.reserved_in)) as set_aside,
      (select coalesce(sum(s.tokens), 0)::float8 from dash.spending s join dash.tasks t on t.id = s.task_id
       where b.name = any(dash.budget_names(t))) as entered
    from dash.budgets b order by b.name`);
  return rows;
}

describe('whatever is accepted, claimed, spent and ended in whatever order', () => {
  it('what is spent and set aside never exceeds a budget by more than one model call per open attempt, and the books agree (P15)', async () => {
    const { db } = database();
    let overshot = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 90 }), async (steps) => {
        await emptyDatabase(db.pool);
        const hosts = new Hosts(db, await openGateway(db, 'g1', { configuredLanes: 8 }));
        for (const [name, tokens] of Object.entries(LIMITS)) {
          const scope = name.split(':')[0] as 'fleet' | 'tenant' | 'session';
          const limits = { usd: null, tokens, period: 'total', actor: 'test' } as const;
          await putBudget(db, { name, scope, tenant: null, ...limits });
        }
        let most = 0;
        for (const one of steps) {
          most = Math.max(most, hosts.open.length);
          await hosts.take(one);
          most = Math.max(most, hosts.open.length);
          for (const { name, spent, reserved, set_aside, entered } of await budgets(db)) {
            expect({ name, reserved, spent }).toEqual({
              name,
              reserved: set_aside,
              spent: entered,
            });
            expect(spent + reserved).toBeLessThanOrEqual(LIMITS[name] + LONGEST_CALL * most);
            if (spent > LIMITS[name]) overshot += 1;
          }
        }
        while (hosts.open.length > 0) await hosts.take({ kind: 'settle', which: 0 });
        for (const { reserved } of await budgets(db)) expect(reserved).toBe(0);
      }),
      { numRuns: 12 },
    );
    expect(overshot).toBeGreaterThan(0);
  }, 120_000);
});

import { PRIORITIES, type PriorityName } from '../../src/domain/task.ts';
import { readEvents } from '../../src/db/event-store.ts';
import { checkOrder, type OrderFindings, type Queued } from './order-check.ts';
import { completed, type Stage } from './stage.ts';

/** Two tenants with work at every level, far more than there are lanes, queued before the first claim. */
const WEIGHTS = { gold: 3, silver: 1 } as const;
const SUBMITS_AT_ONCE = 20;

export interface OrderedClaims extends OrderFindings {
  readonly tasks: number;
  readonly weights: Readonly<Record<string, number>>;
}

/** Queues `perLane` tasks of each tenant and level behind the fleet brake, lets go, and reads the order of claims. */
export async function runOrderedClaims(stage: Stage, perLane: number): Promise<OrderedClaims> {
  const { ground } = stage;
  for (const [tenant, weight] of Object.entries(WEIGHTS)) {
    await ground.api.tenants.put({ params: { tenant }, body: { weight } });
  }
  await ground.api.fleet.pause({ body: { reason: 'the queue is filled' } });
  const queued = await queue(stage, perLane);
  const after = Math.max(...queued.map(({ seq }) => seq));
  await ground.api.fleet.resume({ body: {} });
  await Promise.all(queued.map(({ taskId }) => completed(stage, taskId)));
  const claimed = await claimsSince(stage, after);
  return { ...checkOrder(queued, claimed, WEIGHTS), tasks: queued.length, weights: WEIGHTS };
}

async function queue(stage: Stage, perLane: number): Promise<Queued[]> {
  const wanted = Array.from({ length: perLane }).flatMap(() =>
    Object.keys(PRIORITIES).flatMap((priority) =>
      Object.keys(WEIGHTS).map((tenant) => ({ tenant, priority: priority as PriorityName })),
    ),
  );
  const queued: Queued[] = [];
  const lane = async (): Promise<void> => {
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      const { taskId, seq } = await stage.submit(next);
      queued.push({ taskId, seq, tenant: next.tenant, level: PRIORITIES[next.priority] });
    }
  };
  await Promise.all(Array.from({ length: SUBMITS_AT_ONCE }, lane));
  return queued;
}

async function claimsSince({ ground }: Stage, seq: number): Promise<string[]> {
  const claimed: string[] = [];
  for (let after = seq; ;) {
    const page = await readEvents(ground.db, {
      after,
      limit: 500,
      filter: { types: ['task.dispatched'] },
    });
    claimed.push(...page.events.flatMap(({ taskId }) => taskId ?? []));
    if (page.upTo === after) return claimed;
    after = page.upTo;
  }
}

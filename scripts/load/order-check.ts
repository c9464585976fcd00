/** A task as it was submitted, all of them before the first claim. */
export interface Queued {
  readonly taskId: string;
  readonly seq: number;
  readonly tenant: string;
  /** 1 (critical) to 5. */
  readonly level: number;
}

export interface OrderFindings {
  readonly claims: number;
  /** Claims of a task while one of a more urgent level, or an older one of its own tenant and level, waited. */
  readonly inversions: number;
  /**
   * Largest distance, over the levels, between a tenant's share of the claims and its share by weight, while every
   * tenant had work in that level; 0.05 is five per cent.
   */
  readonly shareError: number;
}

/** Compares the order of claims with priority, age and weights. Pure. */
export function checkOrder(
  queued: readonly Queued[],
  claimed: readonly string[],
  weights: Readonly<Record<string, number>>,
): OrderFindings {
  const byId = new Map(queued.map((task) => [task.taskId, task]));
  const waiting = new Map<string, Queued[]>();
  for (const task of queued.toSorted((a, b) => a.seq - b.seq)) {
    const lane = laneOf(task);
    waiting.set(lane, [...(waiting.get(lane) ?? []), task]);
  }
  let inversions = 0;
  const claims = new Map<number, string[]>();
  const contested = new Map<number, boolean>();
  for (const taskId of claimed) {
    const task = byId.get(taskId);
    const lane = task && waiting.get(laneOf(task));
    if (task === undefined || lane === undefined) continue;
    const levels = [...waiting.values()].flatMap(([first]) => (first ? [first.level] : []));
    if (task.level > Math.min(...levels) || lane[0] !== task) inversions += 1;
    if (contested.get(task.level) !== false) {
      claims.set(task.level, [...(claims.get(task.level) ?? []), task.tenant]);
    }
    lane.splice(lane.indexOf(task), 1);
    if (lane.length === 0) contested.set(task.level, false);
  }
  const errors = [...claims.values()].flatMap((tenants) => shareErrors(tenants, weights));
  return { claims: claimed.length, inversions, shareError: Math.max(0, ...errors) };
}

function laneOf({ level, tenant }: Queued): string {
  return `${level} ${tenant}`;
}

function shareErrors(
  tenants: readonly string[],
  weights: Readonly<Record<string, number>>,
): number[] {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return Object.entries(weights).map(([tenant, weight]) => {
    const share = tenants.filter((name) => name === tenant).length / tenants.length;
    return Math.abs(share - weight / total);
  });
}

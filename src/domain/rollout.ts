/** A restart or upgrade of many gateways, wave after wave, so that each pool keeps what it must have. */

export interface RolloutGateway {
  readonly id: string;
  readonly pools: readonly string[];
  /** It takes work now: only those cost their pools something while they are away. */
  readonly isAvailable: boolean;
}

export interface RolloutLimits {
  /** How many go first, alone; 0: none do. */
  readonly canary: number;
  /** Most at a time after that, at least 1. */
  readonly wave: number;
  /** Most gateways of one pool that may be away at a time, those included that are away for other reasons. */
  readonly maxUnavailable: number;
}

export type RolloutPlan =
  | { readonly kind: 'plan'; readonly waves: readonly (readonly string[])[] }
  /** These pools have as many gateways away as they may, or more, before anything has begun. */
  | {
      readonly kind: 'refused';
      readonly pools: readonly { readonly pool: string; readonly away: number }[];
    };

/**
 * The waves in which these gateways of a fleet go, each of them once, in the order of their ids. A gateway that takes
 * no work costs nothing and goes with the first wave that has room. The same fleet gives the same plan.
 */
export function planRollout(
  fleet: readonly RolloutGateway[],
  chosen: ReadonlySet<string>,
  limits: RolloutLimits,
): RolloutPlan {
  const away = awayByPool(fleet);
  const left = fleet.filter(({ id }) => chosen.has(id)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const full = fullPools(left, away, limits);
  if (full.length > 0) return { kind: 'refused', pools: full };
  const waves: (readonly string[])[] = [];
  while (left.length > 0) {
    const isCanary = waves.length === 0 && limits.canary > 0 && left.some((one) => one.isAvailable);
    // What takes no work shows no regression: a canary must be one that does.
    const wave = isCanary
      ? takeWave(
          left.filter((one) => one.isAvailable),
          limits.canary,
          away,
          limits.maxUnavailable,
        )
      : takeWave(left, Math.max(1, limits.wave), away, limits.maxUnavailable);
    waves.push(wave.map(({ id }) => id));
    for (const gateway of wave) left.splice(left.indexOf(gateway), 1);
  }
  return { kind: 'plan', waves };
}

function awayByPool(fleet: readonly RolloutGateway[]): ReadonlyMap<string, number> {
  const away = new Map<string, number>();
  for (const { pools, isAvailable } of fleet) {
    for (const pool of pools) away.set(pool, (away.get(pool) ?? 0) + (isAvailable ? 0 : 1));
  }
  return away;
}

/** Pools of gateways that take work, and of which not one may go. */
function fullPools(
  chosen: readonly RolloutGateway[],
  away: ReadonlyMap<string, number>,
  { maxUnavailable }: RolloutLimits,
): readonly { readonly pool: string; readonly away: number }[] {
  const needed = new Set(
    chosen.filter(({ isAvailable }) => isAvailable).flatMap(({ pools }) => pools),
  );
  return [...needed]
    .toSorted()
    .map((pool) => ({ pool, away: away.get(pool) ?? 0 }))
    .filter((one) => one.away >= maxUnavailable);
}

/** The first ones for which every pool of theirs has room; never none, for each pool has room for one. */
function takeWave(
  left: readonly RolloutGateway[],
  size: number,
  away: ReadonlyMap<string, number>,
  maxUnavailable: number,
): readonly RolloutGateway[] {
  const going = new Map(away);
  const wave: RolloutGateway[] = [];
  for (const gateway of left) {
    if (wave.length === size) break;
    const costs = gateway.isAvailable ? gateway.pools : [];
    if (costs.some((pool) => (going.get(pool) ?? 0) >= maxUnavailable)) continue;
    for (const pool of costs) going.set(pool, (going.get(pool) ?? 0) + 1);
    wave.push(gateway);
  }
  return wave;
}

/** How a gateway is, before its wave and after it. */
export interface RolloutHealth {
  readonly gatewayId: string;
  readonly takesWork: boolean;
  readonly isHealthy: boolean;
  /** Links of its dashboard chain that are broken. */
  readonly brokenLinks: readonly string[];
  /** Part of its recent runs that failed, 0 to 1, and how many runs that were. */
  readonly errorRate: number;
  readonly runs: number;
}

/** More failed runs than this part, over what it was, is a regression; with fewer runs than these nothing is said. */
const ERROR_RATE_WORSE_BY = 0.2;
const RUNS_THAT_TELL = 5;

/** In words what is worse after a wave than before it; empty: nothing, the next wave may go. */
export function regressionsOf(
  before: readonly RolloutHealth[],
  after: readonly RolloutHealth[],
): readonly string[] {
  return before.flatMap((was) => {
    const is = after.find(({ gatewayId }) => gatewayId === was.gatewayId);
    if (is === undefined) return [`${was.gatewayId} is gone`];
    const links = is.brokenLinks.filter((link) => !was.brokenLinks.includes(link));
    return [
      ...(was.takesWork && !is.takesWork ? [`${is.gatewayId} takes no work any more`] : []),
      ...(was.isHealthy && is.takesWork && !is.isHealthy
        ? [`${is.gatewayId} is not healthy any more`]
        : []),
      ...(links.length > 0 ? [`${is.gatewayId}: broken now: ${links.join(', ')}`] : []),
      ...(is.runs >= RUNS_THAT_TELL && is.errorRate > was.errorRate + ERROR_RATE_WORSE_BY
        ? [`${is.gatewayId}: ${Math.round(is.errorRate * 100)} % of its runs fail`]
        : []),
    ];
  });
}

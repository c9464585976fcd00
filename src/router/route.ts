/** A gateway that may have room, as the router sees it. Lanes are counts; `lanes` is what may be used at all. */
export interface Candidate {
  readonly gatewayId: string;
  readonly lanes: number;
  /** Its share of the spend, relative to the other candidates; > 0 (R57). */
  readonly costWeight: number;
  /** What an attempt there costs on average, USD; null: not known. */
  readonly costUsd: number | null;
  /** Of the attempts that ended there recently, the part that the gateway failed: 0 to 1. */
  readonly errorRate: number;
  /** How many those were; few of them prove little. */
  readonly recentRuns: number;
  /** Recent averages, milliseconds: until it accepts a run, and until a run succeeds; null: none seen. */
  readonly acceptMs: number | null;
  readonly runMs: number | null;
  /** How much its region is preferred: 0 to 1. */
  readonly regionWeight: number;
}

/**
 * A gateway's place among the candidates. The claim takes, of those that fit a task, the one with the greatest
 * `scoreNow`: what moves within milliseconds (runs there, spend) is counted by the claim under its lock, so the
 * router gives its part as slopes.
 */
export interface RoutedGateway {
  readonly gatewayId: string;
  readonly score: number;
  /** What the score loses with each run there. */
  readonly perRun: number;
  /** How shares of the spend count; null: every candidate has the same weight, so load alone decides. */
  readonly spend: SpendShare | null;
  /** Machine-readable, stored with each attempt that follows (P12). */
  readonly reasons: readonly string[];
}

export interface SpendShare {
  /** What an attempt adds to the gateway's account: its cost, relative to the others', divided by its weight. */
  readonly charge: number;
  /** What the score loses per unit that the gateway's account is ahead of the one that lags most. */
  readonly perUnit: number;
  /** No account lags further than this: who was away or full has no claim to all that it missed. */
  readonly credit: number;
}

/**
 * What each thing may cost, in points. A difference in load outranks latency; weights that an operator has set
 * outrank both; errors outrank everything, because work that fails is no share of anything.
 */
const POINTS = { load: 0.5, accept: 0.15, run: 0.15, region: 0.3, spend: 1.5, errors: 4 };
/** As many runs without an error are taken for granted, so that one failure does not condemn a gateway. */
const GRANTED_RUNS = 3;
/** Differences below these are chance, not slowness. */
const LEAST_ACCEPT_MS = 100;
const LEAST_RUN_MS = 1_000;
/** Slower by this factor than the median costs all the points of latency. */
const SLOWEST = 4;
/** No attempt counts as dearer, or cheaper, than the median by more than this factor. */
const COST_BOUND = 100;
/** How many of the dearest charges an account may lag behind. */
const CREDIT_CHARGES = 4;

/**
 * Scores gateways for the next claim by load, errors, latency relative to the other candidates, region and shares of
 * the spend. Hard conditions (pool, tenant, pin, lane, cap, health) are the claim's; this only ranks (P12, R21). Pure,
 * total, deterministic, and independent of the order of the candidates.
 */
export function route(candidates: readonly Candidate[]): RoutedGateway[] {
  const median = {
    acceptMs: medianOf(candidates.map(({ acceptMs }) => atLeast(acceptMs, LEAST_ACCEPT_MS))),
    runMs: medianOf(candidates.map(({ runMs }) => atLeast(runMs, LEAST_RUN_MS))),
    costUsd: medianOf(candidates.map(({ costUsd }) => (costUsd === 0 ? null : costUsd))),
  };
  const spend = sharesOf(candidates, median.costUsd);
  return candidates.map((candidate) => {
    const errors = errorsOf(candidate);
    const accept = slowness(candidate.acceptMs, LEAST_ACCEPT_MS, median.acceptMs);
    const run = slowness(candidate.runMs, LEAST_RUN_MS, median.runMs);
    const region = 1 - clamp(candidate.regionWeight);
    const lost =
      POINTS.errors * errors + POINTS.accept * accept + POINTS.run * run + POINTS.region * region;
    return {
      gatewayId: candidate.gatewayId,
      score: rounded(1 - lost),
      perRun: POINTS.load / Math.max(1, candidate.lanes),
      spend: spend?.get(candidate.gatewayId) ?? null,
      reasons: [
        ...(errors > 0 ? [`errors:${rounded(errors)}`] : []),
        ...(accept > 0 ? [`slow-accept:${Math.round(candidate.acceptMs ?? 0)}ms`] : []),
        ...(run > 0 ? [`slow-run:${Math.round(candidate.runMs ?? 0)}ms`] : []),
        ...(region > 0 ? [`region:${rounded(candidate.regionWeight)}`] : []),
        ...(spend === null ? [] : [`weight:${candidate.costWeight}`]),
      ],
    };
  });
}

/**
 * The score at the moment of a choice: `runs` are those at the gateway now (held and foreign), `spendAhead` what its
 * account is ahead of the one that lags most. The same formula as `dash.score_now`.
 */
export function scoreNow(
  routed: Pick<RoutedGateway, 'score' | 'perRun' | 'spend'>,
  now: { readonly runs: number; readonly spendAhead: number },
): number {
  return routed.score - routed.perRun * now.runs - (routed.spend?.perUnit ?? 0) * now.spendAhead;
}

/** null where all weights are the same: then there is no wish to follow. */
function sharesOf(
  candidates: readonly Candidate[],
  medianCostUsd: number | null,
): ReadonlyMap<string, SpendShare> | null {
  const weights = candidates.map(({ costWeight }) => costWeight);
  if (new Set(weights).size < 2) return null;
  const charges = candidates.map(({ costUsd, costWeight }) => {
    return relativeCost(costUsd, medianCostUsd) / costWeight;
  });
  const credit = CREDIT_CHARGES * Math.max(...charges);
  return new Map(
    candidates.map(({ gatewayId }, index) => [
      gatewayId,
      { charge: charges[index] ?? 0, perUnit: POINTS.spend / credit, credit },
    ]),
  );
}

/** Bounded: one odd bill, or a model that costs nothing, does not turn every other share upside down. */
function relativeCost(costUsd: number | null, medianUsd: number | null): number {
  if (costUsd === null || medianUsd === null) return 1;
  return Math.min(COST_BOUND, Math.max(1 / COST_BOUND, costUsd / medianUsd));
}

function errorsOf({ errorRate, recentRuns }: Candidate): number {
  const runs = Math.max(0, recentRuns);
  return (clamp(errorRate) * runs) / (runs + GRANTED_RUNS);
}

/** 0: not slower than the median; 1: slower by the factor `SLOWEST` or more. */
function slowness(value: number | null, least: number, median: number | null): number {
  if (value === null || median === null) return 0;
  return clamp((Math.max(value, least) / median - 1) / (SLOWEST - 1));
}

function atLeast(value: number | null, least: number): number | null {
  return value === null ? null : Math.max(value, least);
}

/** The lower one of two in the middle; null without any value. */
function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  return known[Math.floor((known.length - 1) / 2)] ?? null;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function rounded(value: number): number {
  return Number(value.toFixed(4));
}

import { assertNever } from './assert-never.ts';

/**
 * Health of a gateway from what its owner sees of it (R20), with hysteresis: one bad look changes nothing, a sick
 * gateway loses lanes by halves and gets them back step by step, an unhealthy one gets no new work, and one that has
 * fallen ill again and again has to be well for longer before it is believed.
 */

export const HEALTH_VERDICTS = ['healthy', 'sick', 'unhealthy'] as const;
export type HealthVerdict = (typeof HEALTH_VERDICTS)[number];

/** What may be wrong with a gateway. */
export const HEALTH_REASONS = [
  'no-answer',
  'slow-answer',
  'event-loop',
  'reports-trouble',
  'lane-queue',
  'errors',
] as const;
export type HealthReason = (typeof HEALTH_REASONS)[number];

/** One look at a gateway. Times in milliseconds; null: not known. */
export interface HealthObservation {
  /** How long the answers to the look took; null: none came within the bound. */
  readonly answerMs: number | null;
  /** The gateway's own word that it is well. */
  readonly reportsOk: boolean;
  readonly eventLoopDelayMs: number | null;
  /** Runs that wait in the gateway for a lane, and its lanes. */
  readonly queuedRuns: number;
  readonly gatewayLanes: number | null;
  /** Of Dash's own attempts that ended there recently: how many, and the part that failed by the gateway's doing. */
  readonly recentRuns: number;
  readonly errorRate: number;
  /** False in the first seconds of a boot: then it is busy with itself, which is no illness. */
  readonly hasStarted: boolean;
}

/** `strained`: it works, but badly; `bad`: it does not work. */
export type HealthGrade = 'good' | 'strained' | 'bad';

export interface HealthJudgement {
  readonly grade: HealthGrade;
  readonly reasons: readonly HealthReason[];
}

/** What is remembered of a gateway between two looks; kept in its row, so that a new owner goes on from there. */
export interface HealthState {
  readonly verdict: HealthVerdict;
  /** Why; of a gateway that recovers: why it fell ill. */
  readonly reasons: readonly HealthReason[];
  /** Lanes that may be used; null: no limit (healthy). */
  readonly lanes: number | null;
  /** Looks in a row that were good; strained or bad; bad. */
  readonly goods: number;
  readonly ills: number;
  readonly bads: number;
  /** How often it fell ill lately, at most `MOST_RELAPSES`. */
  readonly relapses: number;
}

export const HEALTHY: HealthState = {
  verdict: 'healthy',
  reasons: [],
  lanes: null,
  goods: 0,
  ills: 0,
  bads: 0,
  relapses: 0,
};

/** So many looks in a row that were not good make a gateway sick; so many bad ones make it unhealthy. */
export const SICK_AFTER = 2;
export const UNHEALTHY_AFTER = 3;
/** So many good ones in a row begin the recovery; twice as many after each relapse. */
export const RECOVERS_AFTER = 3;
const MOST_RELAPSES = 4;
/** So many good looks in a row at a healthy gateway make one relapse forgotten. */
const RELAPSE_FORGOTTEN_AFTER = 20;
/** A recovering gateway gets an eighth of its lanes back per good look. */
const STEPS = 8;

const SLOW_ANSWER_MS = 2_000;
const EVENT_LOOP_MS = { strained: 1_000, bad: 5_000 };
const ERROR_RATE = 0.5;
/** Fewer ended attempts say nothing about a gateway. */
const LEAST_RUNS = 5;

/** What one look says. Pure and total. */
export function judgeObservation(seen: HealthObservation): HealthJudgement {
  if (seen.answerMs === null) return { grade: 'bad', reasons: ['no-answer'] };
  const reasons: HealthReason[] = [];
  const loopMs = seen.eventLoopDelayMs ?? 0;
  const { hasStarted } = seen;
  if (hasStarted && seen.answerMs >= SLOW_ANSWER_MS) reasons.push('slow-answer');
  if (hasStarted && loopMs >= EVENT_LOOP_MS.strained) reasons.push('event-loop');
  if (hasStarted && !seen.reportsOk) reasons.push('reports-trouble');
  if (seen.gatewayLanes !== null && seen.queuedRuns > 2 * seen.gatewayLanes) {
    reasons.push('lane-queue');
  }
  if (seen.recentRuns >= LEAST_RUNS && seen.errorRate >= ERROR_RATE) reasons.push('errors');
  if (reasons.length === 0) return { grade: 'good', reasons };
  const grade = hasStarted && loopMs >= EVENT_LOOP_MS.bad ? 'bad' : 'strained';
  return { grade, reasons };
}

/**
 * The state after one more look. `capacity` is the number of lanes without any trouble. Multiplicative decrease: half
 * the lanes with each look that is not good, down to 1, or to 0 when unhealthy; additive increase: one step with each
 * good look, once enough of them came in a row. Pure and total.
 */
export function nextHealth(
  before: HealthState,
  judged: HealthJudgement,
  capacity: number,
): HealthState {
  const state = { ...before, lanes: within(before.lanes, before.verdict, capacity) };
  return judged.grade === 'good' ? afterGood(state, capacity) : afterIll(state, judged, capacity);
}

function afterIll(
  state: HealthState,
  { grade, reasons }: HealthJudgement,
  capacity: number,
): HealthState {
  const ills = state.ills + 1;
  const bads = grade === 'bad' ? state.bads + 1 : 0;
  const counted = { ...state, goods: 0, ills, bads };
  if (ills < SICK_AFTER && state.verdict === 'healthy') return counted;
  const relapses =
    state.verdict === 'healthy' ? Math.min(MOST_RELAPSES, state.relapses + 1) : state.relapses;
  if (bads >= UNHEALTHY_AFTER || state.verdict === 'unhealthy') {
    return { ...counted, verdict: 'unhealthy', reasons, lanes: 0, relapses };
  }
  if (ills < SICK_AFTER) return counted;
  const lanes = Math.max(1, Math.floor((state.lanes ?? capacity) / 2));
  return { ...counted, verdict: 'sick', reasons, lanes, relapses };
}

function afterGood(state: HealthState, capacity: number): HealthState {
  const goods = state.goods + 1;
  const counted = { ...state, goods, ills: 0, bads: 0 };
  if (state.verdict === 'healthy') {
    if (goods < RELAPSE_FORGOTTEN_AFTER || state.relapses === 0) return counted;
    return { ...counted, goods: 0, relapses: state.relapses - 1 };
  }
  if (goods < RECOVERS_AFTER * 2 ** Math.max(0, state.relapses - 1)) return counted;
  const lanes = (state.lanes ?? 0) + Math.max(1, Math.ceil(capacity / STEPS));
  if (state.verdict === 'unhealthy') return { ...counted, verdict: 'sick', lanes: 1 };
  if (lanes < capacity) return { ...counted, lanes };
  return { ...counted, verdict: 'healthy', reasons: [], lanes: null };
}

/** A limit that was set when the gateway had more lanes, or fewer, in the bounds of its verdict. */
function within(lanes: number | null, verdict: HealthVerdict, capacity: number): number | null {
  switch (verdict) {
    case 'healthy':
      return null;
    case 'sick':
      return Math.min(Math.max(1, lanes ?? 1), Math.max(1, capacity));
    case 'unhealthy':
      return 0;
    default:
      return assertNever(verdict);
  }
}

/** What is wrong, in words for a row; the same for the same verdict and reasons, so that nothing is written twice. */
export function healthWords({ verdict, reasons }: HealthState): string {
  const what = reasons.map((reason) => REASON_WORDS[reason]).join(', ');
  return verdict === 'unhealthy' ? `gets no new work: ${what}` : `gets fewer lanes: ${what}`;
}

/** What a person can do about it. */
export function healthHint({ reasons }: HealthState): string {
  const first = reasons[0];
  const specific = first === undefined ? '' : `${REASON_HINTS[first]} `;
  return `${specific}Dash gives its lanes back by itself when it is well again.`;
}

const REASON_WORDS: Readonly<Record<HealthReason, string>> = {
  'no-answer': 'it does not answer',
  'slow-answer': 'it answers slowly',
  'event-loop': 'its event loop is blocked',
  'reports-trouble': 'it reports trouble itself',
  'lane-queue': 'runs queue up in it',
  errors: 'most runs there fail',
};

const REASON_HINTS: Readonly<Record<HealthReason, string>> = {
  'no-answer': 'Is its process frozen, or the network to it broken?',
  'slow-answer': 'Look at the load of its machine and of the network to it.',
  'event-loop':
    'Look at the CPU of its machine and at what its plugins do; or give it fewer lanes.',
  'reports-trouble': 'Ask the gateway: openclaw health.',
  'lane-queue': 'Others use it too: give it fewer lanes in Dash, or more in its configuration.',
  errors: 'Look at the errors of its last attempts: often a model provider or its credentials.',
};

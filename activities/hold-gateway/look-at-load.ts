import type { HealthObservation } from '../../src/domain/gateway-health.ts';
import type {
  ExecutingRun,
  GatewayConnection,
  GatewayHealth,
  LaneLoad,
} from '../../src/gateway/connection.ts';
import { GatewayCallError } from '../../src/gateway/gateway-call-error.ts';
import type { Clock } from '../../src/platform/clock.ts';

/** What a gateway shows of its load, or that it shows nothing. */
export type LoadSeen =
  | {
      readonly kind: 'seen';
      readonly lanes: LaneLoad;
      readonly health: GatewayHealth;
      readonly executing: readonly ExecutingRun[];
      /** The slower one of the two small answers. */
      readonly answerMs: number;
    }
  /** No usable answer within the bound. */
  | { readonly kind: 'silent' };

/** A gateway that needs longer for the smallest of answers does not answer. */
const ANSWER_BOUND_MS = 3_000;
/** Noticed later than this behind the bound, this process was stopped itself, and says nothing about the gateway. */
const OWN_STALL_MS = 1_000;
/** Answers that never came, or that nobody can read: the gateway's own refusals are not among them. */
const SILENT_CODES: readonly string[] = ['TIMED_OUT', 'BAD_ANSWER'];

/**
 * Asks a gateway for its lanes, its health and its runs, at most `ANSWER_BOUND_MS` long. Throws when nothing can be
 * said about it now: it refuses (draining, starting), the connection is lost, or this process was frozen meanwhile.
 */
export async function lookAtLoad(
  clock: Clock,
  connection: GatewayConnection,
  options: { readonly freshHealth: boolean },
): Promise<LoadSeen> {
  const startedAt = clock.monotonic();
  const elapsedMs = (): number => clock.monotonic() - startedAt;
  const over = new AbortController();
  const bound = clock.sleep(ANSWER_BOUND_MS, over.signal).then((): LoadSeen => {
    if (elapsedMs() > ANSWER_BOUND_MS + OWN_STALL_MS) throw new Error('this host was stopped');
    return { kind: 'silent' };
  });
  try {
    return await Promise.race([ask(connection, options.freshHealth, elapsedMs), bound]);
  } catch (error) {
    if (error instanceof GatewayCallError && SILENT_CODES.includes(error.code)) {
      return { kind: 'silent' };
    }
    throw error;
  } finally {
    over.abort();
    // Woken by the end of the race: whatever it says, nobody listens any more.
    bound.catch(() => undefined);
  }
}

async function ask(
  connection: GatewayConnection,
  fresh: boolean,
  elapsedMs: () => number,
): Promise<LoadSeen> {
  const small = Promise.all([connection.lanes(), connection.health({ fresh })]).then(
    ([lanes, health]) => ({ lanes, health, answerMs: elapsedMs() }),
  );
  const [answers, executing] = await Promise.all([small, connection.listExecuting()]);
  return { kind: 'seen', ...answers, executing };
}

/** What the look says about the gateway's health, together with what Dash's own attempts there have shown. */
export function observationOf(
  seen: LoadSeen,
  known: {
    readonly readyForMs: number;
    readonly recentRuns: number;
    readonly errorRate: number;
  },
): HealthObservation {
  if (seen.kind === 'silent') {
    return {
      ...known,
      answerMs: null,
      reportsOk: true,
      eventLoopDelayMs: null,
      queuedRuns: 0,
      gatewayLanes: null,
    };
  }
  return {
    ...known,
    answerMs: seen.answerMs,
    reportsOk: seen.health.ok,
    eventLoopDelayMs: seen.health.eventLoopDelayP99Ms,
    queuedRuns: seen.lanes.queued,
    gatewayLanes: seen.lanes.max,
  };
}

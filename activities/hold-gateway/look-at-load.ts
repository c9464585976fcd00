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

/** Noticed later than this behind the bound, this process was stopped itself, and says nothing about the gateway. */
const OWN_STALL_MS = 1_000;
/** Answers that never came, or that nobody can read: the gateway's own refusals are not among them. */
const SILENT_CODES: readonly string[] = ['TIMED_OUT', 'BAD_ANSWER'];

/**
 * Asks a gateway for its lanes, its health and its runs, at most `boundMs` long. Throws when nothing can be
 * said about it now: it refuses (draining, starting), the connection is lost, or this process was frozen meanwhile.
 */
export async function lookAtLoad(
  clock: Clock,
  connection: GatewayConnection,
  boundMs: number,
): Promise<LoadSeen> {
  const startedAt = clock.monotonic();
  const elapsedMs = (): number => clock.monotonic() - startedAt;
  const over = new AbortController();
  const bound = clock.sleep(boundMs, over.signal).then((): LoadSeen => {
    if (elapsedMs() > boundMs + OWN_STALL_MS) throw new Error('this host was stopped');
    return { kind: 'silent' };
  });
  try {
    return await Promise.race([ask(connection, elapsedMs), bound]);
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

async function ask(connection: GatewayConnection, elapsedMs: () => number): Promise<LoadSeen> {
  const small = Promise.all([connection.lanes(), connection.health()]).then(([lanes, health]) => ({
    lanes,
    health,
    answerMs: elapsedMs(),
  }));
  const [answers, executing] = await Promise.all([small, connection.listExecuting()]);
  return { kind: 'seen', ...answers, executing };
}

/** What the look says about the gateway's health, together with what Dash's own attempts there have shown. */
export function observationOf(
  seen: LoadSeen,
  known: {
    readonly hasStarted: boolean;
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

import { clearStarts, recentStarts, recordStart } from '../../src/db/gateway-store.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import { UNCLEAN_STARTS, UNCLEAN_WITHIN_SECONDS } from '../../src/domain/restart-budget.ts';
import type { GatewayFailure, GatewayState } from '../../src/domain/gateway.ts';
import { healthHint, healthWords, type HealthState } from '../../src/domain/gateway-health.ts';
import { runsGoOn } from '../../src/domain/hold.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import type { HoldDeps } from './ports.ts';

/** What a gateway's row is to say, in words that help whoever reads it. */
export interface GatewayReport {
  readonly state: Exclude<GatewayState, 'removed'>;
  readonly reason: string | null;
  readonly hint: string | null;
  readonly failure: GatewayFailure | null;
}

export function report(
  state: GatewayReport['state'],
  reason: string | null = null,
  rest: { readonly hint?: string | null; readonly failure?: GatewayFailure | null } = {},
): GatewayReport {
  return { state, reason, hint: rest.hint ?? null, failure: rest.failure ?? null };
}

export type ProcessReady =
  | {
      readonly kind: 'ready';
      readonly endpoint: string;
      readonly process: Readonly<Record<string, unknown>>;
    }
  /** Report it; `retryInMs` null: only a person, or an operator's message, goes on from here. */
  | {
      readonly kind: 'not-ready';
      readonly report: GatewayReport;
      readonly retryInMs: number | null;
    };

/**
 * Sees to it that the process of a managed gateway runs. `unclean`: it ended under this hold, so the start counts
 * against the restart budget.
 */
export async function ensureProcess(
  deps: HoldDeps,
  gateway: GatewayRecord,
  { token, unclean, signal }: { token: string; unclean: boolean; signal: AbortSignal },
): Promise<ProcessReady> {
  const { db, managed } = deps;
  if (managed === null) {
    const reason = 'this host runs no managed gateways';
    const hint =
      'Its process belongs to the data directory of this host: start dashctl up there instead.';
    return { kind: 'not-ready', report: report('unowned', reason, { hint }), retryInMs: null };
  }
  const within = { gatewayId: gateway.id, withinSeconds: UNCLEAN_WITHIN_SECONDS };
  const recent = (await recentStarts(db, within)).length;
  if (unclean) {
    if (recent + 1 >= UNCLEAN_STARTS) return crashLoop(gateway, recent + 1);
    await recordStart(db, { gatewayId: gateway.id, reason: 'ended unexpectedly' });
  }
  const start = await managed.ensure(gateway, token, signal);
  switch (start.kind) {
    case 'running':
      return { kind: 'ready', endpoint: start.endpoint, process: start.process };
    case 'configuration':
      return {
        kind: 'not-ready',
        retryInMs: null,
        report: report('failed', start.words, {
          failure: 'configuration',
          hint: 'Mend the configuration that the gateway names, then send recover.',
        }),
      };
    case 'contention':
      return {
        kind: 'not-ready',
        retryInMs: 5_000,
        report: report('starting', `another process has its state directory: ${start.words}`),
      };
    case 'not-ready':
      return {
        kind: 'not-ready',
        retryInMs: 1_000 * 2 ** recent,
        report: report('starting', start.words),
      };
  }
}

function crashLoop(gateway: GatewayRecord, starts: number): ProcessReady {
  return {
    kind: 'not-ready',
    retryInMs: null,
    report: report('failed', `it ended unexpectedly ${starts} times within five minutes`, {
      failure: 'crash-loop',
      hint: `Read the log of gateway ${gateway.id}, then send recover: that forgets the starts so far.`,
    }),
  };
}

/** An operator said recover: the budget starts anew. */
export async function forgetStarts(deps: HoldDeps, gatewayId: string): Promise<void> {
  await clearStarts(deps.db, gatewayId);
}

/** What the state of a connection that is not open means for the gateway's row. */
export function reportConnection(connection: GatewayConnection): GatewayReport | null {
  const state = connection.state();
  switch (state.kind) {
    case 'open':
      return null;
    case 'blocked':
      return report('failed', state.reason, { failure: state.failure, hint: state.hint });
    case 'connecting':
    case 'closed':
      return report('starting', 'connecting');
    case 'reconnecting':
      return report('unreachable', state.lastError, {
        hint: 'Dash keeps trying. Is the gateway running, and is its endpoint right?',
      });
  }
}

/** What a reachable gateway is, by what is wanted of it. */
export function reportOpen(gateway: GatewayRecord): GatewayReport {
  // The hint at an overdue drain stays until another state is written.
  const hint = gateway.state === 'draining' ? gateway.hint : null;
  switch (gateway.desiredState) {
    case 'cordoned':
      return report('cordoned', 'no new work; what runs goes on');
    case 'stopped':
      return report('stopping', 'waits for its runs');
    case 'drained':
      return gateway.lanes.held === 0
        ? report('drained', 'nothing of Dash runs there')
        : report('draining', runsGoOn(gateway.lanes.held), { hint });
    case 'running':
    case 'removed':
      return gateway.claimsOpen
        ? reportHealth(gateway.health)
        : report('draining', `${runsGoOn(gateway.lanes.held)} before the restart`);
  }
}

function reportHealth(health: HealthState | null): GatewayReport {
  if (health === null || health.verdict === 'healthy') return report('open');
  return report('degraded', healthWords(health), { hint: healthHint(health) });
}

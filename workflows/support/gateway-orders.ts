import { proxyActivities, setCurrentDetails } from '@temporalio/workflow';
import type { GatewayControlActivities } from '../../activities/gateway-control/gateway-control.ts';
import type { GatewayOperationActivities } from '../../activities/hold-gateway/gateway-operations.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import type { GatewayMessage } from '../../src/domain/gateway.ts';
import { gatewayControlQueue } from '../../src/domain/names.ts';
import { unlessOvertaken } from './unless-overtaken.ts';

/** A drain reports what still runs after this, and goes on without aborting anything (P38). */
const DRAIN_BOUND_MS = 30 * 60_000;
/** One operation on the gateway: a start takes some 15 s, its bounded stop 10 s more. */
const OPERATION_BOUND_MS = 5 * 60_000;

export interface OrderContext {
  readonly control: GatewayControlActivities;
  /** True when a newer wish has been recorded: a wait for idleness gives way to it. */
  readonly superseded: () => boolean;
}

/**
 * Carries out one recorded wish. The row already says what is wanted (and claims are closed or open accordingly),
 * so every step here may be repeated, and an order that a newer one overtakes can simply stop.
 */
export async function carryOut(
  gatewayId: string,
  order: GatewayMessage,
  context: OrderContext,
): Promise<void> {
  setCurrentDetails(`Carries out **${order}**.`);
  switch (order) {
    case 'cordon':
      // The recorded wish is all of it: no new work, what runs goes on.
      return;
    case 'drain':
      return drain(gatewayId, context);
    case 'undrain':
    case 'uncordon':
    case 'start':
    case 'recover':
      return operations(gatewayId).bringUp({ gatewayId });
    case 'stop':
      if ((await idle(gatewayId, context)) !== null)
        await operations(gatewayId).stopProcess({ gatewayId });
      return;
    case 'restart':
      if ((await idle(gatewayId, context)) === null) return;
      await operations(gatewayId).restartProcess({ gatewayId });
      return context.control.reopenClaims({ gatewayId });
    case 'remove':
      // The host reads it in the row and lets go by itself.
      return;
    default:
      return assertNever(order);
  }
}

/** The host itself says `drained` when the last run has ended; at the bound it is said that some go on (P38). */
async function drain(gatewayId: string, context: OrderContext): Promise<void> {
  const running = await idle(gatewayId, context);
  if (running === null || running === 0) return;
  await context.control.reportOverdueDrain({ gatewayId, running, boundMs: DRAIN_BOUND_MS });
}

/**
 * Waits until nothing of Dash runs there, or the bound is over: then what still runs is left to go on. Answers how
 * many runs that are; null when a newer wish made the wait pointless.
 */
async function idle(gatewayId: string, { superseded }: OrderContext): Promise<number | null> {
  const outcome = await unlessOvertaken(superseded, () =>
    operations(gatewayId, DRAIN_BOUND_MS + OPERATION_BOUND_MS).awaitIdle({
      gatewayId,
      boundMs: DRAIN_BOUND_MS,
    }),
  );
  return outcome.kind === 'done' ? outcome.value.running : null;
}

/** Short operations on the gateway, wherever it is held; without an owner they wait for the next one. */
function operations(gatewayId: string, boundMs = OPERATION_BOUND_MS): GatewayOperationActivities {
  return proxyActivities<GatewayOperationActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    startToCloseTimeout: boundMs,
    heartbeatTimeout: '15s',
    retry: { initialInterval: '500ms', maximumInterval: '10s' },
  });
}

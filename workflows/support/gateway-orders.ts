import {
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow';
import type { GatewayControlActivities } from '../../activities/gateway-control/gateway-control.ts';
import type { GatewayOperationActivities } from '../../activities/hold-gateway/gateway-operations.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import type { GatewayMessage } from '../../src/domain/gateway.ts';
import { gatewayControlQueue } from '../../src/domain/names.ts';

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
      if (await idle(gatewayId, context)) await context.control.recordDrained({ gatewayId });
      return;
    case 'undrain':
    case 'uncordon':
    case 'start':
    case 'recover':
      return operations(gatewayId).bringUp({ gatewayId });
    case 'stop':
      if (await idle(gatewayId, context)) await operations(gatewayId).stopProcess({ gatewayId });
      return;
    case 'restart':
      if (!(await idle(gatewayId, context))) return;
      await operations(gatewayId).restartProcess({ gatewayId });
      return context.control.reopenClaims({ gatewayId });
    case 'remove':
      // The host reads it in the row and lets go by itself.
      return;
    default:
      return assertNever(order);
  }
}

/**
 * Waits until nothing of Dash runs there, or the bound is over: then what still runs is left to go on. False when a
 * newer wish made the wait pointless.
 */
async function idle(gatewayId: string, { superseded }: OrderContext): Promise<boolean> {
  const waiting = new CancellationScope();
  const wait = waiting.run(() =>
    operations(gatewayId, DRAIN_BOUND_MS + OPERATION_BOUND_MS).awaitIdle({
      gatewayId,
      boundMs: DRAIN_BOUND_MS,
    }),
  );
  try {
    const overtaken = condition(superseded).then(() => 'overtaken' as const);
    if ((await Promise.race([wait, overtaken])) !== 'overtaken') return true;
    waiting.cancel();
    await wait;
    return true;
  } catch (error) {
    if (isCancellation(error)) return false;
    throw error;
  }
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

import {
  ActivityFailure,
  CancellationScope,
  TimeoutFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { GatewayControlActivities } from '../activities/gateway-control/gateway-control.ts';
import type { HoldGatewayActivities } from '../activities/hold-gateway/hold-gateway.ts';
import { GATEWAY_MESSAGES, type GatewayMessage } from '../src/domain/gateway.ts';
import {
  afterTimeOut,
  holdQueue,
  pauseAfterHold,
  type HoldClaim,
  type PreviousHold,
} from '../src/domain/hold.ts';
import type {
  GatewayCommand,
  GatewayCommandResult,
  GatewayWorkflowInput,
} from '../src/domain/messages.ts';
import { CONTROL_QUEUE } from '../src/domain/names.ts';
import { carryOut } from './support/gateway-orders.ts';
import { isStartTimeout } from './support/start-timeout.ts';
import { createTurns } from './support/turns.ts';
import { unlessOvertaken } from './support/unless-overtaken.ts';

/** Steady state costs no history; failovers and orders do. */
const CONTINUE_AFTER_EVENTS = 2_000;
/** A hold lasts as long as its gateway; Temporal asks for some number. */
const HOLD_FOR = '365 days';
/** A host that is there lets go of a removed gateway within its next turn. */
const LET_GO_WITHIN = '10s';

export const gatewayStatusQuery = defineQuery<GatewayStatus>('status');

export interface GatewayStatus {
  readonly gatewayId: string;
  /** The order being carried out, or null. */
  readonly working: GatewayMessage | null;
  readonly waiting: readonly GatewayMessage[];
}

const control = proxyActivities<GatewayControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/**
 * One gateway, for as long as it is registered: sees to it that exactly one host holds it, and carries out what
 * operators ask (architecture section 7).
 *
 * Updates answer when the wish is recorded in the gateway's row, never when it is done. The process stays in the
 * host's long activity, `holdGateway`; orders reach it over the gateway's own control queue, so that nothing here
 * needs to know which host that is. An order that cannot be carried out now waits there for the next owner.
 */
export async function gatewayWorkflow(input: GatewayWorkflowInput): Promise<void> {
  const { gatewayId } = input;
  const desk = openDesk(gatewayId, input.orders ?? []);
  const holding = startHolding(gatewayId);

  let removed = false;
  while (!removed) {
    await condition(() => desk.orders.length > 0 || historyIsLong());
    const order = desk.orders.shift();
    if (order === undefined) {
      await condition(allHandlersFinished);
      // The hold lives on in its host; the new run schedules it there first, where it joins (P32).
      await continueAsNew<typeof gatewayWorkflow>({ gatewayId, orders: desk.orders });
    } else {
      desk.working = order;
      const isOvertaken = (): boolean => desk.orders.some((next) => OVERTAKING.includes(next));
      await unlessOvertaken(isOvertaken, () =>
        carryOut(gatewayId, order, { control, superseded: () => desk.orders.length > 0 }),
      );
      desk.working = null;
      removed = order === 'remove';
    }
  }
  await holding.letGo();
  await condition(allHandlersFinished);
}

/** What operators have asked for and was recorded, in its order. */
interface Desk {
  readonly orders: GatewayMessage[];
  working: GatewayMessage | null;
}

/** Takes the operators' messages, from the first moment on. */
function openDesk(gatewayId: string, carriedOver: readonly GatewayMessage[]): Desk {
  const desk: Desk = { orders: [...carriedOver], working: null };
  // One after the other: a wish is several writes, and the orders must stand in the order of the wishes in the row.
  const turns = createTurns();
  async function record(
    message: GatewayMessage,
    command: GatewayCommand,
  ): Promise<GatewayCommandResult> {
    return turns.take(async () => {
      const result = await control.recordCommand({ gatewayId, message, command });
      if (result.kind === 'recorded') desk.orders.push(message);
      return result;
    });
  }
  for (const message of GATEWAY_MESSAGES) {
    setHandler(defineUpdate<GatewayCommandResult, [GatewayCommand]>(message), async (command) =>
      record(message, command),
    );
  }
  for (const message of ['recover', 'drain'] as const) {
    // For the hand at Temporal Web: a signal carries no actor and gets no answer.
    setHandler(defineSignal(message), async () => {
      await record(message, { actor: 'temporal', reason: 'signal' });
    });
  }
  setHandler(gatewayStatusQuery, () => ({
    gatewayId,
    working: desk.working,
    waiting: [...desk.orders],
  }));
  return desk;
}

/** These do not wait for an order that waits for an owner who may never come, or for a restart that fails. */
const OVERTAKING: readonly GatewayMessage[] = ['remove', 'recover', 'stop'];

/** Keeps the gateway held beside everything else; `letGo` ends that after the gateway was removed. */
function startHolding(gatewayId: string): { letGo(): Promise<void> } {
  const scope = new CancellationScope();
  const state = { ended: false, removed: false };
  const held = scope
    .run(() => keepHeld(gatewayId))
    .catch((error: unknown) => {
      if (!state.removed) throw error;
    })
    .finally(() => {
      state.ended = true;
    });
  return {
    async letGo() {
      state.removed = true;
      await condition(() => state.ended, LET_GO_WITHIN);
      scope.cancel();
      await held;
    },
  };
}

/**
 * Schedules one hold after the other. After a time-out the same host is asked first, for one hold time-out: it may
 * only have lost Temporal, and then joins the hold that still lives there. Then adopted gateways go to any host,
 * managed ones wait for theirs, because that is where the process is (P32).
 */
async function keepHeld(gatewayId: string): Promise<void> {
  let previous: PreviousHold = 'none';
  let timedOutEpoch: number | null = null;
  let endedAtOnce = 0;
  for (;;) {
    const claim = await control.prepareHold({ gatewayId });
    if (claim === null) return;
    if (timedOutEpoch !== null) previous = afterTimeOut(timedOutEpoch, claim);
    timedOutEpoch = null;
    const { taskQueue, startTimeoutMs, unowned } = holdQueue(claim, previous);
    if (unowned) await control.markUnowned({ gatewayId });
    setCurrentDetails(
      `Held, or to be held, over queue \`${taskQueue}\` (epoch ${claim.ownerEpoch}).`,
    );
    const askedAt = Date.now();
    try {
      const end = await hold(gatewayId, claim, taskQueue, startTimeoutMs);
      if (end.kind === 'removed') return;
      previous = 'handed-over';
      // Orderly, however often in a row: only hosts that refuse, or fail, are asked more and more seldom.
      if (end.kind === 'handed-over') endedAtOnce = 0;
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      if (isStartTimeout(error)) previous = 'not-taken-up';
      else timedOutEpoch = claim.ownerEpoch;
      // Nobody came, or nobody was heard of, for a whole time-out: that was pause enough.
      if (error.cause instanceof TimeoutFailure) {
        endedAtOnce = 0;
        continue;
      }
    }
    const after = pauseAfterHold(endedAtOnce, Date.now() - askedAt);
    ({ endedAtOnce } = after);
    if (after.pauseMs > 0) await sleep(after.pauseMs);
  }
}

function hold(
  gatewayId: string,
  claim: HoldClaim,
  taskQueue: string,
  startTimeoutMs: number | null,
): ReturnType<HoldGatewayActivities['holdGateway']> {
  return proxyActivities<HoldGatewayActivities>({
    taskQueue,
    startToCloseTimeout: HOLD_FOR,
    heartbeatTimeout: claim.heartbeatTimeoutMs,
    ...(startTimeoutMs === null ? {} : { scheduleToStartTimeout: startTimeoutMs }),
    // One attempt: the workflow itself decides where the next one goes.
    retry: { maximumAttempts: 1 },
    summary: `hold, epoch ${claim.ownerEpoch}`,
  }).holdGateway({ gatewayId, ownerEpoch: claim.ownerEpoch });
}

function historyIsLong(): boolean {
  return workflowInfo().historyLength > CONTINUE_AFTER_EVENTS;
}

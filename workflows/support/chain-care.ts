import {
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import type { ChainControlActivities } from '../../activities/dashboard-chain/chain-control.ts';
import type { ChainOperationActivities } from '../../activities/dashboard-chain/chain-operations.ts';
import type { GatewayOperationActivities } from '../../activities/hold-gateway/gateway-operations.ts';
import type { LinkName } from '../../src/domain/dashboard-chain/link.ts';
import {
  planHeal,
  type HealAction,
  type HealTry,
  type PlannedStep,
} from '../../src/domain/dashboard-chain/plan.ts';
import type { HealResult, TakenAction, VerifyResult } from '../../src/domain/messages.ts';
import { CONTROL_QUEUE, gatewayControlQueue } from '../../src/domain/names.ts';
import { isStartTimeout } from './start-timeout.ts';

const VERIFY_WITHIN = '60s';
/** Somebody who holds the gateway takes up what waits there at once. */
const TAKEN_WITHIN = '10s';
/** A restart waits for the gateway to be back: at most five minutes. */
const RESTART_WITHIN = '5m';
/** After an action the link may need a moment until it is well. */
const SECOND_LOOK = '5s';
/** One heal takes no more than this: what is still broken then is not for it. */
const MOST_ACTIONS = 5;
const TRIES_COUNT_FOR_MS = 3_600_000;
const MOST_WORDS = 300;

export const chainControl = proxyActivities<ChainControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

export interface HealWish {
  readonly gatewayId: string;
  readonly actor: string;
  readonly dryRun: boolean;
  /** By a person: also where healing is off. */
  readonly isAsked: boolean;
}

/** One look from the machine of the gateway's host; `hold`: with an idle socket from outside, which takes 12 s. */
export async function lookAtChain(gatewayId: string, hold: boolean): Promise<VerifyResult> {
  const { verifyChain } = proxyActivities<ChainOperationActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    scheduleToStartTimeout: TAKEN_WITHIN,
    startToCloseTimeout: VERIFY_WITHIN,
    retry: { maximumAttempts: 2 },
    summary: 'look',
  });
  try {
    return await verifyChain({ gatewayId, hold });
  } catch (error) {
    if (isStartTimeout(error)) return { kind: 'no-host' };
    throw error;
  }
}

/**
 * One heal: looks, takes the first action of the plan, sees whether it helped and lasted, and begins again, until
 * nothing is left that Dash may do now. `tries` is what earlier heals have tried, and is added to. An action that fails
 * is a try in vain; a look that fails rejects with its ActivityFailure.
 */
export async function heal(wish: HealWish, tries: HealTry[]): Promise<HealResult> {
  const { gatewayId, actor, dryRun, isAsked } = wish;
  const taken: TakenAction[] = [];
  for (;;) {
    const seen = await lookAtChain(gatewayId, true);
    if (seen.kind !== 'seen') return seen;
    const ground = await chainControl.healGround({ gatewayId });
    if (ground === null) return { kind: 'no-chain' };
    const { verdict, atMs } = seen;
    const situation = { ...ground, nowMs: Date.now(), tries: recent(tries) };
    // Somebody may have paused, drained or stopped it since the look began.
    const plan = ground.planned === null ? planHeal(verdict, situation) : [];
    const next = plan.find(isAct);
    const mayAct = (isAsked || ground.heal === 'auto') && !dryRun && taken.length < MOST_ACTIONS;
    if (next === undefined || !mayAct || !(await isCertain(gatewayId, next))) {
      if (!dryRun) await chainControl.recordPlan({ gatewayId, plan });
      return { kind: 'done', atMs, verdict, taken, plan };
    }
    const action = await take(gatewayId, next, ground.settleMs);
    const { link, reason } = next;
    tries.push({ link, reason, atMs: Date.now(), healed: action.healed === true });
    taken.push(action);
    await chainControl.recordAction({ gatewayId, actor, action });
    // What is drained now is down by plan; when it is back the watch tells.
    if (action.healed === null) return { kind: 'done', atMs, verdict, taken, plan: [] };
  }
}

type ActStep = PlannedStep & { readonly step: { readonly kind: 'act' } };

function isAct(planned: PlannedStep): planned is ActStep {
  return planned.step.kind === 'act';
}

function recent(tries: HealTry[]): readonly HealTry[] {
  const firstThatCounts = Date.now() - TRIES_COUNT_FOR_MS;
  tries.splice(0, tries.findLastIndex(({ atMs }) => atMs < firstThatCounts) + 1);
  return tries;
}

/** A gateway is not ended because of one look: a busy one may miss a time-out. */
async function isCertain(gatewayId: string, { link, reason, step }: ActStep): Promise<boolean> {
  if (step.action !== 'restart-gateway') return true;
  await sleep(SECOND_LOOK);
  const seen = await lookAtChain(gatewayId, false);
  if (seen.kind !== 'seen') return false;
  const again = seen.verdict[link];
  return again.state === 'broken' && again.reason === reason;
}

/** Does it, and sees whether it helped. */
async function take(
  gatewayId: string,
  { link, reason, step: { action } }: ActStep,
  settleMs: number,
): Promise<TakenAction> {
  const done = { link, reason, action };
  try {
    const isOver = await perform(gatewayId, action, reason);
    const healed = isOver ? await settles(gatewayId, link, settleMs) : null;
    return { ...done, healed, problem: null };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { ...done, healed: false, problem: wordsOf(error) };
  }
}

/** The gateway's own words, or what became of the call: never what was sent. */
function wordsOf({ cause, message }: ActivityFailure): string {
  return (
    cause instanceof TimeoutFailure ? 'no answer in time' : (cause?.message ?? message)
  ).slice(0, MOST_WORDS);
}

/** False: it is asked for, and takes its time. */
async function perform(gatewayId: string, action: HealAction, reason: string): Promise<boolean> {
  switch (action) {
    case 'patch-origins':
      await operations(gatewayId).patchOrigins({ gatewayId });
      return true;
    case 'restart-gateway':
      await chainControl.countRestart({ gatewayId, reason });
      if (reason === 'cors-origins-not-effective') {
        await chainControl.askRestart({ gatewayId, reason });
        return false;
      }
      // It answers nobody, so there is nothing to be drained: what runs there is resumed after its start.
      await restarts(gatewayId).restartProcess({ gatewayId });
      return true;
    case 'start-forwards':
    case 'restart-forwards':
      throw ApplicationFailure.nonRetryable(`no adapter for forwards: ${action}`);
  }
}

/** Well at two looks, before and after the time that it needs to settle. */
async function settles(gatewayId: string, link: LinkName, settleMs: number): Promise<boolean> {
  const isWell = async (): Promise<boolean> => {
    const seen = await lookAtChain(gatewayId, false);
    return seen.kind === 'seen' && seen.verdict[link].state === 'ok';
  };
  if (!(await isWell())) {
    await sleep(SECOND_LOOK);
    if (!(await isWell())) return false;
  }
  await sleep(settleMs);
  return isWell();
}

function operations(gatewayId: string): ChainOperationActivities {
  return proxyActivities<ChainOperationActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    scheduleToStartTimeout: TAKEN_WITHIN,
    // Two small calls: a host that has died meanwhile is not waited for long.
    startToCloseTimeout: '15s',
    retry: { initialInterval: '1s', maximumAttempts: 3 },
  });
}

function restarts(gatewayId: string): GatewayOperationActivities {
  return proxyActivities<GatewayOperationActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    scheduleToStartTimeout: TAKEN_WITHIN,
    startToCloseTimeout: RESTART_WITHIN,
    heartbeatTimeout: '15s',
    // A second attempt could not tell whether the first has ended the process already: the next heal decides.
    retry: { maximumAttempts: 1 },
  });
}

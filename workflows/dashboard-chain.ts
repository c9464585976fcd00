import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChainControlActivities } from '../activities/dashboard-chain/chain-control.ts';
import type { ChainOperationActivities } from '../activities/dashboard-chain/chain-operations.ts';
import { diagnosisOf } from '../src/domain/dashboard-chain/words.ts';
import {
  CHAIN_UPDATES,
  type ChainWatch,
  type ChainWorkflowInput,
  type VerifyResult,
  type WatchEnd,
} from '../src/domain/messages.ts';
import { CONTROL_QUEUE, gatewayControlQueue } from '../src/domain/names.ts';
import { isStartTimeout } from './support/start-timeout.ts';

/** Only changes of what is said of a chain cost history. */
const CONTINUE_AFTER_EVENTS = 1_000;
/** A watch lasts until it has something to say; Temporal asks for some number. */
const WATCH_FOR = '365 days';
/** Longer than the longest look: its probes' time-outs, one after the other, beside an idle hold. */
const WATCH_HEARTBEAT = '90s';
const VERIFY_WITHIN = '60s';
/** A gateway changes hands within this (P32); then what waits for its owner is taken up at once, however late. */
const OWNED_WITHIN_MS = 15_000;
/** How often a watch that nobody takes up looks whether there is still a chain. */
const ASK_AGAIN_AFTER_MS = 600_000;

const control = proxyActivities<ChainControlActivities>({
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/**
 * The way of people to one gateway's dashboard, for as long as the gateway has one (architecture section 8): sees to
 * it that the host which holds the gateway watches it, whoever that is. What is said of it stands in its row.
 */
export async function dashboardChainWorkflow(input: ChainWorkflowInput): Promise<void> {
  const { gatewayId } = input;
  setHandler(defineUpdate<VerifyResult>(CHAIN_UPDATES.verify), () => verify(gatewayId));
  let watch = input.watch ?? null;
  let isWatched = true;
  for (;;) {
    const end = await watchOnce(gatewayId, watch, isWatched ? OWNED_WITHIN_MS : ASK_AGAIN_AFTER_MS);
    if (end.kind === 'removed') break;
    isWatched = end.kind === 'changed';
    if (end.kind === 'changed') {
      ({ watch } = end);
      setCurrentDetails(diagnosisOf(end.verdict));
    }
    if (workflowInfo().historyLength > CONTINUE_AFTER_EVENTS) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof dashboardChainWorkflow>({ gatewayId, watch });
    }
  }
  await condition(allHandlersFinished);
}

/** `unwatched`: nobody took the watch up, because nobody holds the gateway; the row says so. */
async function watchOnce(
  gatewayId: string,
  from: ChainWatch | null,
  takenWithinMs: number,
): Promise<WatchEnd | { readonly kind: 'unwatched' }> {
  const { watchChain } = proxyActivities<ChainOperationActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    scheduleToStartTimeout: takenWithinMs,
    startToCloseTimeout: WATCH_FOR,
    heartbeatTimeout: WATCH_HEARTBEAT,
    retry: { initialInterval: '1s', maximumInterval: '30s' },
    summary: 'watch',
  });
  try {
    return await watchChain({ gatewayId, from });
  } catch (error) {
    if (!isStartTimeout(error)) throw error;
    const isThere = await control.markUnwatched({ gatewayId });
    return isThere ? { kind: 'unwatched' } : { kind: 'removed' };
  }
}

async function verify(gatewayId: string): Promise<VerifyResult> {
  const { verifyChain } = proxyActivities<ChainOperationActivities>({
    taskQueue: gatewayControlQueue(gatewayId),
    scheduleToStartTimeout: '10s',
    startToCloseTimeout: VERIFY_WITHIN,
    retry: { maximumAttempts: 2 },
    summary: 'verify',
  });
  try {
    return await verifyChain({ gatewayId });
  } catch (error) {
    if (isStartTimeout(error)) return { kind: 'no-host' };
    throw error;
  }
}

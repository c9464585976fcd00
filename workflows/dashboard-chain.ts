import {
  ActivityFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChainOperationActivities } from '../activities/dashboard-chain/chain-operations.ts';
import { LINKS, type ChainVerdict } from '../src/domain/dashboard-chain/link.ts';
import { soonest, type HealTry } from '../src/domain/dashboard-chain/plan.ts';
import { diagnosisOf } from '../src/domain/dashboard-chain/words.ts';
import {
  CHAIN_UPDATES,
  type ChainWatch,
  type ChainWorkflowInput,
  type HealOrder,
  type HealResult,
  type VerifyResult,
  type WatchEnd,
} from '../src/domain/messages.ts';
import { gatewayControlQueue } from '../src/domain/names.ts';
import { chainControl, heal, lookAtChain } from './support/chain-care.ts';
import { isStartTimeout } from './support/start-timeout.ts';
import { createTurns } from './support/turns.ts';

/** Only changes of what is said of a chain, and heals, cost history. */
const CONTINUE_AFTER_EVENTS = 1_000;
/** A watch lasts until it has something to say; Temporal asks for some number. */
const WATCH_FOR = '365 days';
/** Longer than the longest look: its probes' time-outs, one after the other, beside an idle hold. */
const WATCH_HEARTBEAT = '90s';
/** A gateway changes hands within this (P32); then what waits for its owner is taken up at once, however late. */
const OWNED_WITHIN_MS = 15_000;
/** How often a watch that nobody takes up looks whether there is still a chain. */
const ASK_AGAIN_AFTER_MS = 600_000;
/** A look that failed says nothing about the chain. */
const LOOK_AGAIN_AFTER_MS = 30_000;

/**
 * The way of people to one gateway's dashboard, for as long as the gateway has one (architecture section 8): sees to
 * it that the host which holds the gateway watches it, whoever that is, and mends what Dash may mend. What is said of
 * it stands in its row.
 */
export async function dashboardChainWorkflow(input: ChainWorkflowInput): Promise<void> {
  const { gatewayId } = input;
  const care = beginCare(gatewayId, [...(input.tries ?? [])]);
  let watch = input.watch ?? null;
  let isWatched = true;
  for (;;) {
    const end = await watchOnce(gatewayId, watch, isWatched ? OWNED_WITHIN_MS : ASK_AGAIN_AFTER_MS);
    if (end.kind === 'removed') break;
    isWatched = end.kind === 'changed';
    if (end.kind === 'changed') {
      ({ watch } = end);
      setCurrentDetails(diagnosisOf(end.verdict));
      care.hear(end.verdict);
    }
    if (workflowInfo().historyLength > CONTINUE_AFTER_EVENTS) {
      await care.end();
      await continueAsNew<typeof dashboardChainWorkflow>({ gatewayId, watch, tries: care.tries });
    }
  }
  await care.end();
}

interface Care {
  readonly tries: readonly HealTry[];
  /** The watch says this from now on. */
  hear(verdict: ChainVerdict): void;
  /** Begins no further heal; resolves when the last one, and every message, is answered. */
  end(): Promise<void>;
}

/** Answers those who ask, and heals what the watch tells; one heal at a time. */
function beginCare(gatewayId: string, tries: HealTry[]): Care {
  const turns = createTurns();
  const scope = new CancellationScope();
  const heard: { news: number; verdict: ChainVerdict | null } = { news: 0, verdict: null };
  setHandler(defineUpdate<VerifyResult>(CHAIN_UPDATES.verify), () => lookAtChain(gatewayId, true));
  setHandler(
    defineUpdate<HealResult, [HealOrder]>(CHAIN_UPDATES.heal),
    async ({ actor, dryRun }) => {
      if (dryRun) return heal({ gatewayId, actor, dryRun, isAsked: true }, []);
      return turns.take(() => {
        // Whoever asks has seen what was tried, and wants it tried again.
        tries.length = 0;
        return heal({ gatewayId, actor, dryRun, isAsked: true }, tries);
      });
    },
  );
  const caring = scope
    .run(async () => {
      for (;;) {
        await condition(() => heard.verdict !== null && needsCare(heard.verdict));
        const { news } = heard;
        const untilMs = await turns.take(() =>
          CancellationScope.nonCancellable(() => healByItself(gatewayId, tries)),
        );
        const isNew = (): boolean => heard.news !== news;
        if (untilMs === null) await condition(isNew);
        else await condition(isNew, Math.max(1_000, untilMs - Date.now()));
      }
    })
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  return {
    tries,
    hear(verdict) {
      heard.news += 1;
      heard.verdict = verdict;
      if (!needsCare(verdict)) void chainControl.recordPlan({ gatewayId, plan: [] });
    },
    async end() {
      scope.cancel();
      await caring;
      await condition(() => turns.idle() && allHandlersFinished());
    },
  };
}

/** Answers when to try again; null: not before something is seen anew. */
async function healByItself(gatewayId: string, tries: HealTry[]): Promise<number | null> {
  try {
    const result = await heal({ gatewayId, actor: 'dash', dryRun: false, isAsked: false }, tries);
    return result.kind === 'done' ? soonest(result.plan) : null;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return Date.now() + LOOK_AGAIN_AFTER_MS;
  }
}

function needsCare(verdict: ChainVerdict): boolean {
  return LINKS.some((link) => ['broken', 'degraded'].includes(verdict[link].state));
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
    const isThere = await chainControl.markUnwatched({ gatewayId });
    return isThere ? { kind: 'unwatched' } : { kind: 'removed' };
  }
}

import {
  ActivityFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
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
import { said } from '../src/domain/dashboard-chain/watch.ts';
import { diagnosisOf } from '../src/domain/dashboard-chain/words.ts';
import {
  CHAIN_SIGNALS,
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
import { unlessOvertaken } from './support/unless-overtaken.ts';

/** Only changes of what is said of a chain, heals and messages cost history. */
const CONTINUE_AFTER_EVENTS = 1_000;
/** A watch lasts until it has something to say; Temporal asks for some number. */
const WATCH_FOR = '365 days';
/** Longer than the longest look: its probes' time-outs, one after the other, beside an idle hold. */
const WATCH_HEARTBEAT = '90s';
/** A gateway changes hands within this (P32); then what waits for its owner is taken up at once, however late. */
const OWNED_WITHIN_MS = 15_000;
/** How often a watch that nobody takes up looks whether there is still a chain. */
const ASK_AGAIN_AFTER_MS = 600_000;
/** The watch and a heal may disagree for a moment. */
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
  care.hear(watch === null ? null : said(watch.memory));
  let isWatched = true;
  for (;;) {
    const takenWithinMs: number = isWatched ? OWNED_WITHIN_MS : ASK_AGAIN_AFTER_MS;
    const from = watch;
    const outcome = await unlessOvertaken<Watching>(historyIsLong, () =>
      watchOnce(gatewayId, from, takenWithinMs),
    );
    if (outcome.kind === 'done') {
      const end = outcome.value;
      if (end.kind === 'removed') break;
      isWatched = end.kind === 'changed';
      if (end.kind === 'changed') ({ watch } = end);
      const verdict = end.kind === 'changed' ? end.verdict : null;
      setCurrentDetails(diagnosisOf(verdict));
      care.hear(verdict);
    }
    if (historyIsLong()) {
      await care.end();
      await continueAsNew<typeof dashboardChainWorkflow>({ gatewayId, watch, tries: care.tries });
    }
  }
  await care.end();
}

function historyIsLong(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength > CONTINUE_AFTER_EVENTS;
}

interface Care {
  readonly tries: readonly HealTry[];
  /** The watch says this from now on; null: nobody can tell. */
  hear(verdict: ChainVerdict | null): void;
  /** Begins no further heal; resolves when the last one, and every message, is answered. */
  end(): Promise<void>;
}

/** Answers those who ask, and heals what the watch tells; one heal at a time. */
function beginCare(gatewayId: string, tries: HealTry[]): Care {
  const turns = createTurns();
  const scope = new CancellationScope();
  const heard: { news: number; verdict: ChainVerdict | null } = { news: 0, verdict: null };
  const healAsked = ({ actor, dryRun }: HealOrder): Promise<HealResult> => {
    const wish = { gatewayId, actor, dryRun, isAsked: true };
    if (dryRun) return heal(wish, []);
    return turns.take(() => {
      // Whoever asks has seen what was tried, and wants it tried again.
      tries.length = 0;
      return heal(wish, tries);
    });
  };
  setHandler(defineUpdate<VerifyResult>(CHAIN_UPDATES.verify), () => lookAtChain(gatewayId, true));
  setHandler(defineUpdate<HealResult, [HealOrder]>(CHAIN_UPDATES.heal), healAsked);
  setHandler(defineSignal(CHAIN_SIGNALS.recover), async () => {
    await healAsked({ actor: 'temporal', dryRun: false }).catch(unlessActivityFailed);
  });
  const caring = scope
    .run(async () => {
      for (;;) {
        const { news, verdict } = heard;
        const untilMs =
          verdict === null
            ? null
            : await turns.take(() =>
                CancellationScope.nonCancellable(() => careFor(gatewayId, verdict, tries)),
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
    },
    async end() {
      scope.cancel();
      await caring;
      await condition(() => turns.idle() && allHandlersFinished());
    },
  };
}

/** Answers when to look again; null: not before the watch says something else. */
async function careFor(
  gatewayId: string,
  verdict: ChainVerdict,
  tries: HealTry[],
): Promise<number | null> {
  if (!LINKS.some((link) => ['broken', 'degraded'].includes(verdict[link].state))) {
    await chainControl.recordPlan({ gatewayId, plan: [] });
    return null;
  }
  const again = (): number => Date.now() + LOOK_AGAIN_AFTER_MS;
  try {
    const result = await heal({ gatewayId, actor: 'dash', dryRun: false, isAsked: false }, tries);
    if (result.kind === 'no-chain') return null;
    // The watch says that something is broken: a look that saw nothing, or could not see, is not the last word.
    return result.kind === 'done' && result.plan.length > 0 ? soonest(result.plan) : again();
  } catch (error) {
    unlessActivityFailed(error);
    return again();
  }
}

/** A look that failed says nothing about the chain. */
function unlessActivityFailed(error: unknown): void {
  if (!(error instanceof ActivityFailure)) throw error;
}

type Watching = WatchEnd | { readonly kind: 'unwatched' };

/** `unwatched`: nobody took the watch up, because nobody holds the gateway; the row says so. */
async function watchOnce(
  gatewayId: string,
  from: ChainWatch | null,
  takenWithinMs: number,
): Promise<Watching> {
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

import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SwarmActivities } from '../activities/swarm.ts';
import { SWARM_SIGNALS, SWARM_UPDATES, type SwarmWorkflowInput } from '../src/domain/messages.ts';
import type { SwarmEnd } from '../src/domain/swarm-plan.ts';
import {
  describeRound,
  type SwarmCommand,
  type SwarmCommandResult,
  type SwarmRound,
} from '../src/domain/swarm-round.ts';
import { MAX_SWARM_NODES } from '../src/domain/swarm-limits.ts';
import { createTurns } from './support/turns.ts';

/**
 * News that come in a burst are read together: at least this long between two rounds (P31). The round itself waits
 * for what is left of it, because a timer of Temporal may take a second longer than it was asked for.
 */
const ROUND_GAP_MS = 100;
/** P31: well below what Temporal allows, so that a history stays quick to read and to replay. */
const CONTINUE_AFTER_EVENTS = 2_000;

interface Operator {
  readonly actor: string;
}

export const newsSignal = defineSignal(SWARM_SIGNALS.news);
export const pauseUpdate = defineUpdate<SwarmCommandResult, [Operator]>(SWARM_UPDATES.pause);
export const resumeUpdate = defineUpdate<SwarmCommandResult, [Operator]>(SWARM_UPDATES.resume);
export const cancelUpdate = defineUpdate<SwarmCommandResult, [Operator]>(SWARM_UPDATES.cancel);
export const scaleUpdate = defineUpdate<
  SwarmCommandResult,
  [Operator & { readonly maxParallel: number }]
>(SWARM_UPDATES.scale);

const rows = proxyActivities<SwarmActivities>({
  // Also how long a swarm stands still when the worker that plays its round is killed. A round takes well under a
  // second; one that is slower in bad weather goes on beside its repetition, which does nothing twice.
  startToCloseTimeout: '10s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});

/**
 * One swarm, from its acceptance to its end (P31).
 *
 * Everything it knows is in rows: its nodes, their tasks, its own state and wishes. This process only says when to
 * look: a round reads what is new, plans (pure) and admits what may start. A swarm that failed ends as *Failed*,
 * type `SwarmFailed`, so that Temporal Web shows it as such; completed and cancelled ones return their state.
 * A Temporal cancel is the same request as the update.
 */
export async function swarmWorkflow({ swarmId }: SwarmWorkflowInput): Promise<{ state: SwarmEnd }> {
  const turns = createTurns();
  // Rows may have changed before anybody could send a signal.
  let news = true;

  const record = (command: SwarmCommand): Promise<SwarmCommandResult> =>
    turns.take(() =>
      CancellationScope.nonCancellable(async () => {
        const answer = await rows.recordSwarmCommand({ swarmId, command });
        news = true;
        return answer;
      }),
    );
  setHandler(newsSignal, () => {
    news = true;
  });
  setHandler(pauseUpdate, ({ actor }) => record({ kind: 'pause', actor }));
  setHandler(resumeUpdate, ({ actor }) => record({ kind: 'resume', actor }));
  setHandler(cancelUpdate, ({ actor }) => record({ kind: 'cancel', actor }));
  setHandler(
    scaleUpdate,
    ({ actor, maxParallel }) => record({ kind: 'scale', actor, maxParallel }),
    {
      validator: ({ maxParallel }) => refuseBadScale(maxParallel),
    },
  );
  onTemporalCancel(() => record({ kind: 'cancel', actor: 'temporal' }));

  const quiet = (): boolean => allHandlersFinished() && turns.idle();

  return CancellationScope.nonCancellable(async () => {
    for (let waitMs = 0; ;) {
      news = false;
      const round = await rows.runSwarmRound({ swarmId, waitMs });
      const endedAt = Date.now();
      setCurrentDetails(describeRound(round));
      if (round.kind === 'ended') {
        await condition(quiet);
        return conclude(swarmId, round);
      }
      await reasonForAnother(round.againAfterMs, () => news);
      waitMs = Math.max(0, ROUND_GAP_MS - (Date.now() - endedAt));
      if (workflowInfo().historyLength >= CONTINUE_AFTER_EVENTS) {
        await condition(quiet);
        await continueAsNew<typeof swarmWorkflow>({ swarmId });
      }
    }
  });
}

/** News, or the time at which the last round asked for the next one, whichever is first. */
async function reasonForAnother(againAfterMs: number | null, news: () => boolean): Promise<void> {
  if (againAfterMs === null) await condition(news);
  else if (againAfterMs > 0) await condition(news, againAfterMs);
}

/** Writes the wish where every other cancel is written; the process goes on until the row has ended. */
function onTemporalCancel(record: () => Promise<unknown>): void {
  void CancellationScope.current().cancelRequested.catch(record);
}

function refuseBadScale(maxParallel: unknown): void {
  if (
    typeof maxParallel === 'number' &&
    Number.isInteger(maxParallel) &&
    maxParallel >= 1 &&
    maxParallel <= MAX_SWARM_NODES
  ) {
    return;
  }
  throw ApplicationFailure.nonRetryable(
    `maxParallel must be a whole number from 1 to ${MAX_SWARM_NODES}; it was ${String(maxParallel)}`,
    'InvalidScale',
  );
}

function conclude(
  swarmId: string,
  { state, reason }: Extract<SwarmRound, { kind: 'ended' }>,
): { state: SwarmEnd } {
  if (state === 'failed') {
    throw ApplicationFailure.nonRetryable(
      `Swarm ${swarmId} failed: ${reason ?? 'not every task completed'}. ` +
        `Look at it with: dashctl swarm status ${swarmId}`,
      'SwarmFailed',
    );
  }
  return { state };
}

import { ApplicationFailure, log } from '@temporalio/activity';
import { assertNever } from '../src/domain/assert-never.ts';
import type { SwarmNodeTemplate } from '../src/domain/swarm-expand.ts';
import {
  explainEnd,
  isOpenSwarm,
  planSwarm,
  type PlannedNode,
  type SwarmPlan,
} from '../src/domain/swarm-plan.ts';
import type {
  SwarmCommand,
  SwarmCommandResult,
  SwarmProgress,
  SwarmRound,
  SwarmRoundInput,
} from '../src/domain/swarm-round.ts';
import type { Clock } from '../src/platform/clock.ts';
import { requestCancel } from '../src/db/cancel.ts';
import { withdrawApprovalStep } from '../src/db/approval-store.ts';
import type { Database } from '../src/db/database.ts';
import { markNode, readNodeTemplates } from '../src/db/swarm-node-store.ts';
import {
  finishSwarm,
  holdSwarmTasks,
  openSwarmTasks,
  releaseSwarmTasks,
  requestSwarmCancel,
  setSwarmMaxParallel,
  setSwarmState,
  takeNews,
  type SwarmNews,
  type SwarmNodeRecord,
  type SwarmRecord,
  type SwarmWriteResult,
} from '../src/db/swarm-store.ts';
import { admitNodes } from './swarm-admission.ts';

export interface SwarmActivities {
  /**
   * One round of a swarm (P31), after `waitMs`: clears its flag, reads everything, plans, then skips, cancels and admits. Every step
   * is idempotent by node, so a round that is repeated, or overlaps a late one, does nothing twice.
   */
  runSwarmRound(input: SwarmRoundInput): Promise<SwarmRound>;
  /** Writes what an operator wants into the swarm's row. */
  recordSwarmCommand(input: {
    readonly swarmId: string;
    readonly command: SwarmCommand;
  }): Promise<SwarmCommandResult>;
}

export interface SwarmActivityDeps {
  readonly db: Database;
  readonly clock: Clock;
  /** Hastens a cancel that stands in the row (P28); reconcile repeats it when it is lost. */
  readonly signalTaskCancel: (workflowId: string) => Promise<void>;
  /** Most nodes that one round admits; what is left follows in the next. */
  readonly admitAtMost?: number;
}

const ADMIT_AT_MOST = 50;

export function createSwarmActivities(deps: SwarmActivityDeps): SwarmActivities {
  return {
    async runSwarmRound({ swarmId, waitMs }) {
      if (waitMs > 0) await deps.clock.sleep(waitMs);
      return runRound(deps, swarmId);
    },
    recordSwarmCommand: async ({ swarmId, command }) =>
      answerOf(swarmId, await writeCommand(deps.db, swarmId, command)),
  };
}

async function runRound(deps: SwarmActivityDeps, swarmId: string): Promise<SwarmRound> {
  const news = await takeNews(deps.db, swarmId);
  if (news === null) throw unknownSwarm(swarmId);
  const { swarm } = news;
  const { state } = swarm;
  if (!isOpenSwarm(state)) return { kind: 'ended', state, reason: swarm.stateReason };
  await holdOrRelease(deps.db, news);
  const nodes = news.nodes.map(planned);
  const plan = planSwarm({ ...swarm, state, nodes });
  await skipNodes(deps.db, swarmId, plan.skip);
  if (plan.end !== null) return endSwarm(deps.db, swarm, plan, nodes);
  const withdrew = await withdrawSteps(deps.db, news, plan.withdraw);
  const ended = (plan.cancel.length > 0 && (await cancelOpen(deps, swarmId))) || withdrew;
  const admission = await admitBatch(deps, swarm, plan.admit);
  return {
    kind: 'open',
    state,
    maxParallel: swarm.maxParallel,
    cancelRequested: swarm.cancelRequested,
    progress: progressAfter(nodes, plan, admission.admitted),
    againAfterMs: ended ? 0 : admission.againAfterMs,
  };
}

function planned(node: SwarmNodeRecord): PlannedNode {
  return { id: node.nodeId, kind: node.kind, dependsOn: node.dependsOn, state: node.state };
}

/** A pause also keeps what was admitted from being claimed (P31); what runs goes on. */
async function holdOrRelease(db: Database, { swarm, nodes }: SwarmNews): Promise<void> {
  const open = nodes.map((node) => node.taskState);
  if (swarm.state === 'paused') {
    const waits = ['queued', 'waiting', 'scheduled'] as const;
    if (open.some((state) => waits.some((one) => one === state))) {
      await holdSwarmTasks(db, swarm.id);
    }
  } else if (open.includes('held')) {
    await releaseSwarmTasks(db, swarm.id);
  }
}

/** Steps of one round that run beside each other: a few, so that others get connections too. */
const BESIDE_EACH_OTHER = 8;

async function each<T>(items: readonly T[], step: (item: T) => Promise<void>): Promise<void> {
  for (let begin = 0; begin < items.length; begin += BESIDE_EACH_OTHER) {
    await Promise.all(items.slice(begin, begin + BESIDE_EACH_OTHER).map(step));
  }
}

function skipNodes(db: Database, swarmId: string, skip: SwarmPlan['skip']): Promise<void> {
  return each(skip, async ({ id, reason }) => {
    await markNode(db, { swarmId, nodeId: id, state: 'skipped', reason });
  });
}

/** True when something was withdrawn, so that the next round has news; what was decided meanwhile stands. */
async function withdrawSteps(
  db: Database,
  { nodes }: SwarmNews,
  withdraw: SwarmPlan['withdraw'],
): Promise<boolean> {
  const approvals = new Map(nodes.map(({ nodeId, approvalId }) => [nodeId, approvalId]));
  await each(withdraw, async ({ id, reason }) => {
    const approvalId = approvals.get(id) ?? null;
    if (approvalId !== null) await withdrawApprovalStep(db, { approvalId, reason });
  });
  return withdraw.length > 0;
}

async function endSwarm(
  db: Database,
  swarm: SwarmRecord,
  plan: SwarmPlan,
  nodes: readonly PlannedNode[],
): Promise<SwarmRound> {
  if (plan.end === null) throw new Error(`the plan of swarm ${swarm.id} has no end`);
  const reason = explainEnd(plan.end, nodes);
  const written = await finishSwarm(db, { swarmId: swarm.id, state: plan.end, reason });
  if (written.kind === 'not-found') throw unknownSwarm(swarm.id);
  const { state, stateReason } = written.swarm;
  if (isOpenSwarm(state)) {
    throw new Error(`swarm ${swarm.id} is ${state} after it was finished`);
  }
  return { kind: 'ended', state, reason: stateReason };
}

/**
 * The row first, then the signal (P28), once per task: what was asked to end before is on its way. True when a task
 * ended at once, so that the next round has news.
 */
async function cancelOpen(deps: SwarmActivityDeps, swarmId: string): Promise<boolean> {
  let ended = false;
  await each(await openSwarmTasks(deps.db, swarmId), async (taskId) => {
    const answer = await requestCancel(deps.db, { taskId, reason: 'cancelled', actor: 'swarm' });
    if (answer.kind === 'settled') ended = true;
    const workflowId =
      answer.kind === 'settled' || answer.kind === 'requested' ? answer.workflowId : null;
    if (workflowId === null) return;
    await deps.signalTaskCancel(workflowId).catch((error: unknown) => {
      log.warn('a cancel could not be hastened', { workflowId, error: String(error) });
    });
  });
  return ended;
}

async function admitBatch(
  deps: SwarmActivityDeps,
  swarm: SwarmRecord,
  admit: readonly string[],
): Promise<{ readonly admitted: number; readonly againAfterMs: number | null }> {
  if (admit.length === 0) return { admitted: 0, againAfterMs: null };
  const batch = admit.slice(0, deps.admitAtMost ?? ADMIT_AT_MOST);
  const stored = await readNodeTemplates(deps.db, swarm.id, batch);
  // Written by `expandSwarm` at accept and by nobody else.
  const templates = stored as ReadonlyMap<string, SwarmNodeTemplate>;
  const done = await admitNodes({
    db: deps.db,
    swarmId: swarm.id,
    nodeIds: batch,
    templates,
    onFailure: swarm.onFailure,
  });
  const more = done.againAfterMs === null && batch.length < admit.length;
  return { admitted: done.admitted, againAfterMs: more ? 0 : done.againAfterMs };
}

function progressAfter(
  nodes: readonly PlannedNode[],
  plan: SwarmPlan,
  admitted: number,
): SwarmProgress {
  const count = (state: PlannedNode['state']): number =>
    nodes.filter((node) => node.state === state).length;
  return {
    waiting: count('waiting') - plan.skip.length - admitted,
    admitted: count('admitted') + admitted,
    completed: count('completed'),
    failed: count('failed'),
    skipped: count('skipped') + plan.skip.length,
  };
}

function writeCommand(
  db: Database,
  swarmId: string,
  command: SwarmCommand,
): Promise<SwarmWriteResult> {
  const { actor } = command;
  switch (command.kind) {
    case 'pause':
      return setSwarmState(db, { swarmId, state: 'paused', actor });
    case 'resume':
      return setSwarmState(db, { swarmId, state: 'running', actor });
    case 'cancel':
      return requestSwarmCancel(db, { swarmId, actor });
    case 'scale':
      return setSwarmMaxParallel(db, { swarmId, maxParallel: command.maxParallel, actor });
    default:
      return assertNever(command);
  }
}

function answerOf(swarmId: string, written: SwarmWriteResult): SwarmCommandResult {
  switch (written.kind) {
    case 'ok':
      return {
        kind: 'recorded',
        state: written.swarm.state,
        maxParallel: written.swarm.maxParallel,
      };
    case 'ended':
      return { kind: 'ended', state: written.swarm.state };
    case 'not-found':
      throw unknownSwarm(swarmId);
    default:
      return assertNever(written);
  }
}

/** Nothing brings a row back that is not there: a person has restored a database, or made the id up. */
function unknownSwarm(swarmId: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `There is no swarm ${swarmId} in the database. If the database was restored from a backup, ` +
      'submit the swarm again.',
    'SwarmUnknown',
  );
}

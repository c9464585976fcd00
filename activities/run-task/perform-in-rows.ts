import { assertNever } from '../../src/domain/assert-never.ts';
import {
  rememberCommit,
  rememberCounted,
  rememberRefusal,
} from '../../src/domain/attempt-protocol-memory.ts';
import type { Action } from '../../src/domain/attempt-protocol-types.ts';
import { budgetWords, spendingSeen, sumOf, usageSeen } from '../../src/domain/budget.ts';
import type { CancelReason, TaskEnd } from '../../src/domain/task.ts';
import type { Usage } from '../../src/domain/failure.ts';
import type { AttemptStands, MarkResult } from '../../src/db/attempt-run.ts';
import type { SettleOptions } from '../../src/db/settle.ts';
import type { Performed } from './run-control.ts';
import { evidenceOf } from './evidence.ts';
import type { RunDeps } from './ports.ts';
import { about, withFacts, withMemory, type RunState } from './run-state.ts';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** What every write of this state carries: the attempt, and the epoch under which it was looked at (P25). */
function writer({ row, ownerEpoch }: RunState): { attemptId: string; ownerEpoch: number } {
  return { attemptId: row.attemptId, ownerEpoch };
}

/** A write that did not apply: another owner has the gateway, or the row has moved on. */
function stands(state: RunState, because: AttemptStands['because']): Performed {
  return because === 'superseded-owner'
    ? { kind: 'ended', end: { kind: 'detached', why: 'superseded' } }
    : { kind: 'reread', former: state, stood: true };
}

/** P23: the row is committed before the wire. */
export async function commitSending(
  deps: RunDeps,
  state: RunState,
  { runId, bootId, stateId }: Of<'commit-sending'>,
): Promise<Performed> {
  const { attemptId } = state.row;
  const nowMs = deps.clock.monotonic();
  const answer = await deps.rows.beginSending({ ...writer(state), runId, bootId, stateId });
  if (answer.kind === 'ok') {
    await deps.race.reach('run-task.sending-committed', { attemptId });
    const { runIds } = state.facts;
    const committed = withFacts(state, {
      state: 'sending',
      bootId,
      stateId,
      runIds: runIds.includes(runId) ? runIds : [...runIds, runId],
      sendingAtMs: nowMs,
    });
    return {
      kind: 'next',
      state: withMemory(committed, rememberCommit(state.memory, runId, bootId)),
    };
  }
  switch (answer.reason) {
    case 'superseded-owner':
      return stands(state, 'superseded-owner');
    case 'gateway-closed': {
      const refusal = {
        kind: 'closed',
        message: 'the gateway takes no work now (it is neither open nor degraded)',
        retryAfterMs: null,
      } as const;
      return {
        kind: 'next',
        state: withMemory(state, rememberRefusal(state.memory, refusal, nowMs)),
      };
    }
    case 'cancel-requested':
    case 'not-open':
    case 'already-accepted':
      return stands(state, 'state');
    default:
      return assertNever(answer.reason);
  }
}

export async function recordAccepted(deps: RunDeps, state: RunState): Promise<Performed> {
  const { row } = state;
  const marked = await deps.rows.markAccepted(writer(state));
  await deps.race.reach('run-task.accepted-recorded', { attemptId: row.attemptId });
  if (
    marked.kind === 'ok' &&
    state.seen.kind === 'acknowledged' &&
    state.facts.runIds.length === 1
  ) {
    const waitedMs = deps.clock.now() - Date.parse(row.task.createdAt);
    deps.observer.started({ gatewayId: row.gatewayId, waitedMs });
  }
  return afterMark(state, marked, { state: 'accepted' });
}

export async function adopt(
  deps: RunDeps,
  state: RunState,
  { runId, ownRunId }: Of<'adopt'>,
): Promise<Performed> {
  const { attemptId } = state.row;
  const marked = await deps.rows.adoptRecovery({ ...writer(state), runId });
  await deps.race.reach('run-task.recovery-adopted', { attemptId });
  deps.log.info({ ...about(state), runId, ownRunId }, 'the gateway resumed the turn; adopted');
  const recoveryRunIds = [...state.facts.recoveryRunIds, runId];
  return afterMark(state, marked, { state: 'accepted', recoveryRunIds });
}

export async function reappear(deps: RunDeps, state: RunState): Promise<Performed> {
  const marked = await deps.rows.recoverFromIndeterminate(writer(state));
  return afterMark(state, marked, { state: 'accepted', holdsLane: true });
}

export async function freeLane(deps: RunDeps, state: RunState): Promise<Performed> {
  const { indeterminateAt } = state.row;
  const marked = await deps.rows.freeLane({ ...writer(state), indeterminateAt });
  if (marked.kind === 'ok') laneFreed(deps, state);
  return afterMark(state, marked, { holdsLane: false });
}

function afterMark(
  state: RunState,
  marked: MarkResult,
  change: Parameters<typeof withFacts>[1],
): Performed {
  return marked.kind === 'ok'
    ? { kind: 'next', state: withFacts(state, change) }
    : stands(state, marked.because);
}

/** P28: whoever wants an open attempt to end says so in the row first; then the row is what counts. */
export async function requestEnd(
  deps: RunDeps,
  state: RunState,
  { reason }: Of<'request-end'>,
): Promise<Performed> {
  const asked = await deps.rows.requestCancel({ taskId: state.row.taskId, reason, actor: 'host' });
  if (asked.kind === 'not-found' || asked.kind === 'terminal') {
    throw new Error(`the task of an open attempt is ${asked.kind} when it is to end (${reason})`);
  }
  return { kind: 'reread', former: state };
}

/** P15: what was seen of its spending, for the budgets around it; the answer may be that one of them is used up. */
export async function count(
  deps: RunDeps,
  state: RunState,
  { runs }: Of<'count-usage'>,
): Promise<Performed> {
  const counted = await deps.rows.countUsage({ ...writer(state), runs });
  if (counted.kind === 'stands') return stands(state, counted.because);
  const next = withMemory(state, rememberCounted(state.memory, sumOf(runs)));
  return { kind: 'next', state: withFacts(next, { budget: counted.budget }) };
}

/** The end of the whole task, in one transaction with that of its attempt (P6, P21). */
export async function settle(
  deps: RunDeps,
  state: RunState,
  action: Of<'collect'> | Of<'confirm-abort'>,
): Promise<Performed> {
  const { row } = state;
  const { attemptId, taskId } = row;
  const { attemptOutcome, end } = endOf(state, action);
  await deps.race.reach('run-task.before-settle', { attemptId });
  const settled = await deps.rows.settleTask({
    taskId,
    ...writer(state),
    attemptOutcome,
    runs: runsIn(state),
    end,
  });
  await deps.race.reach('run-task.settled', { attemptId });
  if (settled.swarmBecameDirty && settled.swarmId !== null) {
    deps.observer.swarmNews(settled.swarmId);
  }
  if (settled.kind === 'settled') {
    laneFreed(deps, state);
    return { kind: 'ended', end: { kind: 'settled', state: settled.state } };
  }
  if (settled.because === 'terminal' && settled.end !== null) {
    return { kind: 'ended', end: { kind: 'settled', state: settled.end.state } };
  }
  return stands(state, settled.because === 'superseded-owner' ? 'superseded-owner' : 'state');
}

function runsIn({ seen }: RunState): ReturnType<typeof spendingSeen> {
  return seen.kind === 'seen' ? spendingSeen(seen) : [];
}

function usageIn({ seen }: RunState): Usage | null {
  return seen.kind === 'seen' ? usageSeen(seen) : null;
}

function endOf(
  state: RunState,
  action: Of<'collect'> | Of<'confirm-abort'>,
): {
  attemptOutcome: NonNullable<SettleOptions['attemptOutcome']>;
  end: TaskEnd;
} {
  if (action.kind === 'collect') {
    const { text, usage } = action.answer;
    return {
      attemptOutcome: 'succeeded',
      end: { state: 'completed', output: text, usage, failure: null },
    };
  }
  return endEarly(state, action.reason);
}

function endEarly(run: RunState, reason: CancelReason): ReturnType<typeof endOf> {
  const confirmed = 'the gateway shows that nothing of it executes any more';
  const end = (state: TaskEnd['state'], message: string): TaskEnd => ({
    state,
    output: null,
    usage: usageIn(run),
    failure: { reason, message: `${message}; ${confirmed}.`, lastFailure: null },
  });
  switch (reason) {
    case 'cancelled':
      return { attemptOutcome: 'cancelled', end: end('cancelled', 'Cancelled while it ran') };
    case 'expired':
      return { attemptOutcome: 'expired', end: end('expired', 'Its deadline passed while it ran') };
    case 'budget':
      return { attemptOutcome: 'cancelled', end: end('dead', budgetEnd(run)) };
    default:
      return assertNever(reason);
  }
}

function budgetEnd(run: RunState): string {
  const { budget } = run.facts;
  const { usd, tokens } = sumOf(runsIn(run));
  const what =
    budget === null || budget.gone !== null || budgetWords(budget) === ''
      ? `The budget ${budget?.gone ?? 'around it'} was used up`
      : `What it might still spend (${budgetWords(budget)}) was used up`;
  return `${what} while it ran; this attempt spent ${usd} USD and ${tokens} tokens`;
}

/** Closes the attempt as failed; what follows is for its workflow to decide (P21). */
export async function close(
  deps: RunDeps,
  state: RunState,
  { failure }: Of<'fail'>,
): Promise<Performed> {
  const { attemptId } = state.row;
  await deps.race.reach('run-task.before-close', { attemptId });
  const closed = await deps.rows.closeAttempt({
    ...writer(state),
    outcome: 'failed',
    failure,
    usage: usageIn(state),
    runs: runsIn(state),
  });
  await deps.race.reach('run-task.closed', { attemptId });
  if (closed.kind === 'stands') return stands(state, closed.because);
  laneFreed(deps, state);
  const { attemptsUsed, maxAttempts } = closed;
  return { kind: 'ended', end: { kind: 'failed', failure, attemptsUsed, maxAttempts } };
}

/** The attempt never ran: its lane is free, its task claimable again, or ended when it was to end. */
export async function release(
  deps: RunDeps,
  state: RunState,
  { proof, reason }: Of<'release'>,
): Promise<Performed> {
  const released = await deps.rows.releaseAttempt({ ...writer(state), from: proof, reason });
  if (released.kind === 'stands') return stands(state, released.because);
  laneFreed(deps, state);
  if (!('settled' in released)) return { kind: 'ended', end: { kind: 'superseded' } };
  const { swarmId, swarmBecameDirty } = released.settled;
  if (swarmBecameDirty && swarmId !== null) deps.observer.swarmNews(swarmId);
  return { kind: 'ended', end: { kind: 'settled', state: released.settled.state } };
}

/** What cannot be known goes to a person, with what was seen. */
export async function handToPerson(
  deps: RunDeps,
  state: RunState,
  { reason, evidence, keepLane }: Of<'indeterminate'>,
): Promise<Performed> {
  const marked = await deps.rows.markIndeterminate({
    ...writer(state),
    reason,
    keepLane,
    evidence: evidenceOf(state, evidence),
    runs: runsIn(state),
  });
  if (marked.kind !== 'ok') return stands(state, marked.because);
  deps.log.warn({ ...about(state), reason, evidence }, 'a person has to decide about a run');
  if (!keepLane) laneFreed(deps, state);
  return { kind: 'ended', end: { kind: 'indeterminate', reason } };
}

function laneFreed(deps: RunDeps, { row }: RunState): void {
  deps.observer.laneFreed({ gatewayId: row.gatewayId });
}

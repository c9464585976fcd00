import {
  rememberAbort,
  rememberRefusal,
  rememberSent,
  rememberToLook,
  rememberUnsent,
} from '../../src/domain/attempt-protocol-memory.ts';
import type { Action, Refusal } from '../../src/domain/attempt-protocol-types.ts';
import { GatewayCallError } from '../../src/gateway/gateway-call-error.ts';
import type { Permit, SendResult } from '../../src/gateway/connection.ts';
import { NotPermitted } from '../hold-gateway/lease.ts';
import { lookOnce } from './look-once.ts';
import { pause, type Performed, type RunControl } from './run-control.ts';
import type { RunDeps } from './ports.ts';
import { about, unseen, withMemory, type RunState } from './run-state.ts';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** A pending wait at the gateway delays its drain: short slices. */
const FOLLOW_SLICE_MS = 5_000;
/** Pauses between looks at a run that seemed over and was not. */
const QUICK_END_PAUSE_MS = 50;
const LONGEST_QUICK_END_PAUSE_MS = 2_000;
/** The gateway tells of a model call's end a moment before it writes what the call has used. */
const SPENDING_BOOKED_MS = 60;
/** Before asking again for a proof of ownership that neither Temporal nor PostgreSQL could give. */
const UNPROVEN_PAUSE_MS = 500;

/** Asks the gateway what it shows of this attempt. */
export async function look(
  deps: RunDeps,
  state: RunState,
  { runIds }: Of<'look'>,
): Promise<Performed> {
  const { attemptId } = state.row;
  const { inattentionMs } = deps.policy;
  const memory = rememberToLook(state.memory, deps.clock.monotonic(), inattentionMs);
  const { sessionKey } = state;
  const seen = await lookOnce(state.gateway.connection, { sessionKey, runIds });
  await deps.race.reach('run-task.looked', { attemptId });
  return { kind: 'next', state: { ...withMemory(state, memory), seen } };
}

/** Sends the run that was just committed. What cannot be known afterwards is looked up, never sent again blindly (R10). */
export async function send(
  deps: RunDeps,
  state: RunState,
  { runId, bootId }: Of<'send'>,
  control: RunControl,
): Promise<Performed> {
  const { row, facts, gateway } = state;
  try {
    const answer = await gateway.connection.sendRun({
      sessionKey: state.sessionKey,
      runId,
      bootId,
      message: row.task.prompt,
      agentId: row.task.agent,
      timeoutSeconds: Math.ceil(facts.runLimitMs / 1_000),
      correlationId: row.task.correlationId,
      permit: permitOf(deps, state),
    });
    deps.log.info({ ...about(state), runId, bootId, answer: answer.kind }, 'a run was sent');
    await deps.race.reach('run-task.sent', { attemptId: row.attemptId });
    return { kind: 'next', state: afterSend(deps, state, runId, answer) };
  } catch (error) {
    deps.log.info({ ...about(state), runId, error: String(error) }, 'a send was not answered');
    const unsent = unseen(withMemory(state, afterFailedSend(deps, state, error)));
    return error instanceof NotPermitted
      ? pause(unsent, UNPROVEN_PAUSE_MS, control)
      : { kind: 'next', state: unsent };
  }
}

function afterSend(deps: RunDeps, state: RunState, runId: string, answer: SendResult): RunState {
  if (answer.kind === 'refused') {
    const refusal: Refusal = {
      kind: answer.reason === 'invalid' ? 'invalid' : 'later',
      message: `${answer.reason}: ${answer.message}`,
      retryAfterMs: answer.retryAfterMs,
    };
    return unseen(
      withMemory(state, rememberRefusal(state.memory, refusal, deps.clock.monotonic())),
    );
  }
  return {
    ...withMemory(state, rememberSent(state.memory)),
    seen: { kind: 'acknowledged', runId },
  };
}

/** `refused` and a missing permit: the frame never left. Anything else: it may have. */
function afterFailedSend(deps: RunDeps, state: RunState, error: unknown): RunState['memory'] {
  if (isUnproven(error)) return rememberUnsent(state.memory);
  if (!(error instanceof GatewayCallError)) throw error;
  const unclear = error.outcome === 'unknown';
  if (!unclear && error.code !== 'INVALID_PARAMS') return rememberUnsent(state.memory);
  const kind = unclear ? 'unclear' : 'invalid';
  const refusal: Refusal = { kind, message: error.message, retryAfterMs: null };
  return rememberRefusal(state.memory, refusal, deps.clock.monotonic());
}

/**
 * P24 for this state: the gateway must still be held under the epoch that the row and the look were read under, and
 * the host must prove it. Stays in the caller's tick whenever the proof does.
 */
function permitOf(deps: RunDeps, state: RunState): Permit {
  const prove = (): void | Promise<void> => {
    checkEpoch(state);
    const proof = state.gateway.permit();
    return proof === undefined ? undefined : proof.then(() => checkEpoch(state));
  };
  return () => {
    const held = deps.race.reach('run-task.before-frame', { attemptId: state.row.attemptId });
    return held === undefined ? prove() : held.then(prove);
  };
}

/** Neither Temporal nor PostgreSQL confirms the ownership now; another time they may. */
function isUnproven(error: unknown): boolean {
  return error instanceof NotPermitted && error.reason === 'unproven';
}

function checkEpoch({ gateway, ownerEpoch }: RunState): void {
  if (gateway.ownerEpoch() !== ownerEpoch) throw new NotPermitted('superseded');
}

/** Follows the run until it seems over, until something is due, or until the row has news. */
export async function follow(
  deps: RunDeps,
  state: RunState,
  { runId, forMs }: Of<'follow'>,
  { wakeup, stopped }: RunControl,
): Promise<Performed> {
  const { clock, race } = deps;
  if (state.quickEnds > 0) await clock.sleep(quickEndPauseMs(state.quickEnds), stopped);
  const startedAt = clock.monotonic();
  const stop = new AbortController();
  const over = new AbortController();
  const spending = watchSpending(state, runId);
  const followed = state.gateway.connection
    .followRun({
      sessionKey: state.sessionKey,
      runId,
      signal: stop.signal,
      sliceMs: FOLLOW_SLICE_MS,
    })
    .finally(() => over.abort());
  const [woken, { kind }] = await Promise.all([
    wakeup.pause(forMs, AbortSignal.any([over.signal, spending.seen])).finally(() => stop.abort()),
    followed,
  ]).finally(spending.stop);
  if (woken === 'nudged') return { kind: 'reread', former: state };
  await race.reach('run-task.followed', { attemptId: state.row.attemptId });
  if (spending.seen.aborted) await clock.sleep(SPENDING_BOOKED_MS, stopped);
  const quick = kind !== 'detached' && clock.monotonic() - startedAt < LONGEST_QUICK_END_PAUSE_MS;
  return {
    kind: 'next',
    state: { ...unseen(state), quickEnds: quick ? state.quickEnds + 1 : 0 },
  };
}

/** Aborts when the gateway says that a model call of a run that something limits has ended (P15). */
function watchSpending(
  { facts, gateway }: RunState,
  runId: string,
): { readonly seen: AbortSignal; readonly stop: () => void } {
  const seen = new AbortController();
  if (facts.budget === null) return { seen: seen.signal, stop: () => undefined };
  const stop = gateway.connection.onRunEvent(runId, (event) => {
    if (event.kind === 'usage') seen.abort();
  });
  return { seen: seen.signal, stop };
}

function quickEndPauseMs(quickEnds: number): number {
  return Math.min(QUICK_END_PAUSE_MS * 2 ** (quickEnds - 1), LONGEST_QUICK_END_PAUSE_MS);
}

/** Asks for the end of these runs; whether they have ended is for the next look to say. */
export async function abortRuns(
  deps: RunDeps,
  state: RunState,
  { runIds }: Of<'abort'>,
): Promise<RunState> {
  const { connection } = state.gateway;
  const memory = rememberAbort(state.memory, runIds, deps.clock.monotonic());
  for (const runId of runIds) {
    try {
      await connection.abortRun({
        sessionKey: state.sessionKey,
        runId,
        permit: permitOf(deps, state),
      });
    } catch (error) {
      if (!(error instanceof GatewayCallError) && !isUnproven(error)) throw error;
      deps.log.info({ ...about(state), runId, error: String(error) }, 'an abort was not answered');
    }
  }
  return withMemory(state, memory);
}

import { decide } from '../../src/domain/attempt-protocol.ts';
import { freshMemory, remember, rememberUnsent } from '../../src/domain/attempt-protocol-memory.ts';
import type { Action } from '../../src/domain/attempt-protocol-types.ts';
import { createWakeup } from '../../src/platform/wakeup.ts';
import { NotPermitted } from '../hold-gateway/lease.ts';
import { resultOfRow } from '../result-of-row.ts';
import { factsOf, sessionKeyOf } from './facts.ts';
import { patientRows, RowsAbandoned } from './patient-rows.ts';
import { perform } from './perform.ts';
import type { RunDeps } from './ports.ts';
import type { Performed, RunEnd } from './run-control.ts';
import { about, type RunState } from './run-state.ts';
import { WAIT_WORDS } from './wait-words.ts';

/** One attempt, carried on in this host, whether or not an activity waits for it. */
export interface AttemptRun {
  readonly attemptId: string;
  readonly taskId: string;
  /** Never rejects, except when there is no such attempt. */
  readonly end: Promise<RunEnd>;
  /** What it waits for at the gateway, in words; null: it does not wait. */
  waitsFor(): string | null;
  /** The row has news, or the gateway has: look up both now. */
  nudge(): void;
  /** Follows no longer; nothing is aborted and the row stays as it is. */
  stop(): void;
}

/** A pause after an unexpected error, multiplied by how many there were. */
const UNEXPECTED_PAUSE_MS = 500;

/**
 * Starts carrying on an attempt: reads its row, then does what `decide` says, one action at a time, until the attempt
 * has ended, waits for a person, or belongs to another owner. Safe to start at any moment, and after any other run of
 * the same attempt was lost between any two of its steps: everything it needs stands in the row and at the gateway.
 */
export function startAttemptRun(
  deps: RunDeps,
  ids: { readonly attemptId: string; readonly taskId: string },
): AttemptRun {
  const wakeup = createWakeup(deps.clock);
  const stopping = new AbortController();
  const { clock, log } = deps;
  const rows = patientRows(deps.rows, { clock, log, signal: stopping.signal });
  const carrier = new Carrier({ ...deps, rows }, ids.attemptId, wakeup, stopping.signal);
  return {
    ...ids,
    end: carrier.carry(),
    waitsFor: () => carrier.waitsFor,
    nudge: () => wakeup.nudge(),
    stop() {
      stopping.abort();
      wakeup.nudge();
    },
  };
}

class Carrier {
  readonly #deps: RunDeps;
  readonly #attemptId: string;
  readonly #wakeup: ReturnType<typeof createWakeup>;
  readonly #stopped: AbortSignal;
  #waitsFor: string | null = null;

  constructor(
    deps: RunDeps,
    attemptId: string,
    wakeup: ReturnType<typeof createWakeup>,
    stopped: AbortSignal,
  ) {
    this.#deps = deps;
    this.#attemptId = attemptId;
    this.#wakeup = wakeup;
    this.#stopped = stopped;
  }

  get waitsFor(): string | null {
    return this.#waitsFor;
  }

  async carry(): Promise<RunEnd> {
    let last: Performed = { kind: 'reread', former: null };
    for (;;) {
      if (this.#stopped.aborted) return { kind: 'detached', why: 'closing' };
      try {
        last =
          last.kind === 'next'
            ? await this.#step(last.state)
            : await this.#read(last.former, last.stood ?? false);
        if (last.kind === 'ended') return last.end;
      } catch (error) {
        const end = await this.#afterError(error);
        if (end !== null) return end;
        last = { kind: 'reread', former: null };
      }
    }
  }

  /** Reads the row; what it says may be the end already (P21). What `former` remembers holds under its own epoch. */
  async #read(former: RunState | null, stood: boolean): Promise<Performed> {
    const deps = this.#deps;
    const row = await this.#readRow();
    if (stood && former !== null) mustDiffer(former, row);
    await deps.race.reach('run-task.row-read', { attemptId: row.attemptId });
    const result = row.state === 'indeterminate' ? null : resultOfRow(row);
    if (result !== null) return { kind: 'ended', end: result };
    const gateway = deps.gateways.find(row.gatewayId);
    if (gateway === null) return { kind: 'ended', end: { kind: 'detached', why: 'not-held' } };
    const ownerEpoch = gateway.ownerEpoch();
    if (row.gateway.ownerEpoch > ownerEpoch) {
      return { kind: 'ended', end: { kind: 'detached', why: 'superseded' } };
    }
    const facts = factsOf(row, deps.clock);
    const same = former !== null && former.gateway === gateway && former.ownerEpoch === ownerEpoch;
    return {
      kind: 'next',
      state: {
        row,
        facts,
        gateway,
        ownerEpoch,
        sessionKey: sessionKeyOf(row, deps.installation),
        seen: { kind: 'unseen' },
        memory: same ? rememberUnsent(former.memory) : freshMemory(facts),
        quickEnds: 0,
      },
    };
  }

  async #readRow(): Promise<RunState['row']> {
    const row = await this.#deps.rows.readAttempt(this.#attemptId);
    if (row === null) throw new UnknownAttempt(this.#attemptId);
    return row;
  }

  async #step(state: RunState): Promise<Performed> {
    const { clock } = this.#deps;
    const lost = this.#lostGateway(state);
    if (lost !== null) return lost;
    const nowMs = clock.monotonic();
    const memory = remember(state.memory, state.facts, state.seen, nowMs);
    const { facts, seen } = state;
    const action: Action = decide({ facts, seen, memory, policy: this.#deps.policy, nowMs });
    this.#deps.log.debug({ ...about(state), action: action.kind }, 'attempt step');
    this.#tellWait(state, action);
    return perform(this.#deps, { ...state, memory }, action, {
      wakeup: this.#wakeup,
      stopped: this.#stopped,
    });
  }

  /** A wait goes on over the looks in it. */
  #tellWait(state: RunState, action: Action): void {
    if (action.kind === 'look') return;
    const waitsFor = action.kind === 'wait' ? WAIT_WORDS[action.reason] : null;
    if (waitsFor === this.#waitsFor) return;
    this.#waitsFor = waitsFor;
    if (waitsFor !== null) this.#deps.log.info({ ...about(state), waitsFor }, 'a run waits');
  }

  /** Facts and looks are worth something only under the epoch they were taken under. */
  #lostGateway(state: RunState): Performed | null {
    const gateway = this.#deps.gateways.find(state.row.gatewayId);
    if (gateway === null) return { kind: 'ended', end: { kind: 'detached', why: 'not-held' } };
    return gateway === state.gateway && gateway.ownerEpoch() === state.ownerEpoch
      ? null
      : { kind: 'reread', former: null };
  }

  /** P19: the unexpected is caught, counted in the row, and bounded. */
  async #afterError(error: unknown): Promise<RunEnd | null> {
    const { rows, log, clock, maxUnexpected } = this.#deps;
    const attemptId = this.#attemptId;
    if (error instanceof UnknownAttempt) throw error;
    if (error instanceof RowsAbandoned || this.#stopped.aborted) {
      return { kind: 'detached', why: 'closing' };
    }
    if (error instanceof NotPermitted) return { kind: 'detached', why: 'superseded' };
    const message = error instanceof Error ? error.message : String(error);
    log.warn({ attemptId, error: message }, 'a run met an unexpected error');
    try {
      const count = await rows.markUnexpected(attemptId, message.slice(0, 2_000));
      if (count >= maxUnexpected) return await this.#giveUp(message);
      await clock.sleep(UNEXPECTED_PAUSE_MS * count, this.#stopped);
    } catch (second) {
      if (second instanceof RowsAbandoned) return { kind: 'detached', why: 'closing' };
      log.warn({ attemptId, error: String(second) }, 'an unexpected error could not be counted');
      await clock.sleep(UNEXPECTED_PAUSE_MS, this.#stopped);
    }
    return null;
  }

  async #giveUp(message: string): Promise<RunEnd | null> {
    const row = await this.#readRow();
    const ended = resultOfRow(row);
    if (ended !== null) return ended;
    const gateway = this.#deps.gateways.find(row.gatewayId);
    if (gateway === null) return { kind: 'detached', why: 'not-held' };
    const marked = await this.#deps.rows.markIndeterminate({
      attemptId: row.attemptId,
      ownerEpoch: gateway.ownerEpoch(),
      reason: 'unexpected',
      evidence: { words: `runTask failed ${this.#deps.maxUnexpected} times; last: ${message}` },
      keepLane: true,
    });
    return marked.kind === 'ok' ? { kind: 'indeterminate', reason: 'unexpected' } : null;
  }
}

/** A refused write means that the row has moved on. If it has not, trying again would never end. */
function mustDiffer({ facts }: RunState, row: RunState['row']): void {
  const moved =
    row.state !== facts.state ||
    row.task.cancelRequested !== facts.cancelRequested ||
    (row.decision !== null) !== facts.decided;
  if (!moved) throw new Error(`the row refuses what its state (${row.state}) allows`);
}

/** Temporal asks for an attempt that the database does not have. */
export class UnknownAttempt extends Error {
  override readonly name = 'UnknownAttempt';
  constructor(attemptId: string) {
    super(`attempt ${attemptId} is not in the database; was it restored to an earlier time?`);
  }
}

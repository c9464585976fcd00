import { decide } from '../../../src/domain/attempt-protocol.ts';
import {
  freshMemory,
  remember,
  rememberToLook,
} from '../../../src/domain/attempt-protocol-memory.ts';
import {
  DEFAULT_ATTEMPT_POLICY,
  type AttemptPolicy,
} from '../../../src/domain/attempt-protocol-policy.ts';
import type {
  Action,
  AttemptFacts,
  Memory,
  Observation,
} from '../../../src/domain/attempt-protocol-types.ts';
import type { RunFailure } from '../../../src/domain/failure.ts';
import type { GatewayIdentity, LookSeen, OwnRun, RecoveryRun } from '../../../src/domain/look.ts';

export const policy = DEFAULT_ATTEMPT_POLICY;
export const RUN = 'task-x-a1';
export const RESENT = 'task-x-a1r1';

export function facts(change: Partial<AttemptFacts> = {}): AttemptFacts {
  return {
    taskId: 'task-x',
    attemptNumber: 1,
    state: 'accepted',
    runIds: [RUN],
    recoveryRunIds: [],
    bootId: 'boot-1',
    stateId: 'state-1',
    sendingAtMs: 0,
    holdsLane: true,
    decided: false,
    cancelRequested: null,
    deadlineAtMs: null,
    idempotent: false,
    runLimitMs: 3_600_000,
    budget: null,
    ...change,
  };
}

/** An attempt of which nothing was ever committed to the wire. */
export function planned(change: Partial<AttemptFacts> = {}): AttemptFacts {
  return facts({
    state: 'planned',
    runIds: [],
    bootId: null,
    stateId: null,
    sendingAtMs: null,
    ...change,
  });
}

export function own(change: Partial<OwnRun> = {}): OwnRun {
  return {
    runId: RUN,
    userRow: false,
    executing: false,
    pendingInput: null,
    answer: null,
    failure: null,
    usage: null,
    endedByRestart: false,
    ...change,
  };
}

export const answer = (runId = RUN) => ({ runId, text: 'forty two', usage: null, model: null });

export const failure = (change: Partial<RunFailure> = {}): RunFailure => ({
  runId: RUN,
  class: 'transient',
  message: 'the provider answered 500',
  retryAfterMs: null,
  aborted: false,
  timedOut: false,
  ...change,
});

export const burnt = (runId = RUN): OwnRun => own({ runId, pendingInput: 'interrupted' });
export const crashed = (): OwnRun => own({ userRow: true, endedByRestart: true });

export function recovery(change: Partial<RecoveryRun> = {}): RecoveryRun {
  return {
    runId: 'rec-1',
    ownRunId: RUN,
    executing: false,
    answer: null,
    failure: null,
    usage: null,
    ...change,
  };
}

export function look(
  change: Partial<Omit<LookSeen, 'gateway'>> & { readonly gateway?: Partial<GatewayIdentity> } = {},
): LookSeen {
  const { gateway, ...rest } = change;
  return {
    kind: 'seen',
    own: [own()],
    recoveries: [],
    foreignRunIds: [],
    sessionStatus: null,
    ...rest,
    gateway: {
      bootId: 'boot-1',
      stateId: 'state-1',
      readyForMs: 3_600_000,
      noRecoveryForMs: gateway?.readyForMs ?? 3_600_000,
      ...gateway,
    },
  };
}

/** One owner's memory and clock, fed observation by observation. */
export class Owner {
  nowMs = 1_000;
  memory: Memory;
  facts: AttemptFacts;
  readonly #policy: AttemptPolicy;

  constructor(row: AttemptFacts, bounds: AttemptPolicy = policy) {
    this.facts = row;
    this.memory = freshMemory(row);
    this.#policy = bounds;
  }

  /** What it does when it sees this, `afterMs` later. */
  sees(seen: Observation, afterMs = 0): Action {
    this.nowMs += afterMs;
    if (seen.kind !== 'unseen') this.memory = rememberToLook(this.memory, this.nowMs, Infinity);
    this.memory = remember(this.memory, this.facts, seen, this.nowMs);
    const { facts: row, memory, nowMs } = this;
    return decide({ facts: row, seen, memory, policy: this.#policy, nowMs });
  }
}

/** What an owner that has just read this row does about this. */
export function decideOn(row: AttemptFacts, seen: Observation): Action {
  return new Owner(row).sees(seen);
}

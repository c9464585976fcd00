import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide } from '../../src/domain/attempt-protocol.ts';
import { freshMemory, remember, rememberToLook } from '../../src/domain/attempt-protocol-memory.ts';
import { DEFAULT_ATTEMPT_POLICY } from '../../src/domain/attempt-protocol-policy.ts';
import type { AttemptFacts, Observation } from '../../src/domain/attempt-protocol-types.ts';
import type { LookSeen } from '../../src/domain/look.ts';

/** Mostly not: a look in which everything shows at once reaches few decisions. */
const seldom = fc.integer({ min: 0, max: 7 }).map((n) => n === 0);
function rarely<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
}
const instant = fc.integer({ min: -10_000_000, max: 10_000_000 });
const ids = ['t-a1', 't-a1r1', 't-a1r2'];

const facts: fc.Arbitrary<AttemptFacts> = fc.record({
  taskId: fc.constant('t'),
  attemptNumber: fc.constant(1),
  state: fc.constantFrom('planned', 'sending', 'accepted', 'indeterminate', 'closed', 'released'),
  runIds: fc.integer({ min: 0, max: 3 }).map((count) => ids.slice(0, count)),
  recoveryRunIds: fc.subarray(['rec-1', 'rec-2']),
  bootId: fc.constantFrom(null, 'boot-1', 'boot-2'),
  stateId: fc.constantFrom(null, 'state-1', 'state-2'),
  sendingAtMs: fc.option(instant),
  holdsLane: fc.boolean(),
  decided: fc.boolean(),
  cancelRequested: rarely(fc.constantFrom('cancelled', 'expired', 'budget')),
  deadlineAtMs: rarely(instant),
  idempotent: fc.boolean(),
  runLimitMs: fc.integer({ min: 1, max: 10_000_000 }),
  budget: rarely(
    fc.record({
      usd: rarely(fc.constantFrom(0.001, 0.01)),
      tokens: rarely(fc.constantFrom(100, 1_000)),
      gone: rarely(fc.constant('fleet')),
    }),
  ),
});

const answer = rarely(
  fc.record({
    runId: fc.constant('x'),
    text: fc.string(),
    usage: fc.constant(null),
    model: fc.constant(null),
  }),
);
const failure = rarely(
  fc.record({
    runId: fc.constant('x'),
    class: fc.constantFrom('transient', 'rate-limited', 'permanent', 'unknown'),
    message: fc.string(),
    retryAfterMs: fc.option(fc.nat()),
    aborted: fc.boolean(),
    timedOut: fc.boolean(),
  }),
);

const usage = rarely(
  fc.record({
    inputTokens: fc.nat(),
    outputTokens: fc.nat(),
    totalTokens: fc.oneof(fc.nat({ max: 2_000 }), fc.double()),
    costUsd: fc.option(fc.double()),
  }),
);

const seenLook: fc.Arbitrary<LookSeen> = fc.record({
  kind: fc.constant('seen'),
  gateway: fc.record({
    bootId: fc.constantFrom('boot-1', 'boot-2'),
    stateId: fc.constantFrom(null, 'state-1', 'state-2'),
    readyForMs: fc.integer({ min: 0, max: 200_000 }),
    noRecoveryForMs: fc.integer({ min: 0, max: 200_000 }),
  }),
  own: fc.array(
    fc.record({
      runId: fc.constantFrom(...ids),
      userRow: seldom,
      executing: seldom,
      pendingInput: fc.constantFrom(null, null, 'queued', 'interrupted'),
      answer,
      failure,
      usage,
      endedByRestart: seldom,
    }),
    { maxLength: 3 },
  ),
  recoveries: rarely(
    fc.array(
      fc.record({
        runId: fc.constantFrom('rec-1', 'rec-2'),
        ownRunId: fc.constantFrom(...ids),
        executing: seldom,
        answer,
        failure,
        usage,
      }),
      { maxLength: 2 },
    ),
  ).map((list) => list ?? []),
  foreignRunIds: seldom.map((busy) => (busy ? ['chat-1'] : [])),
  sessionStatus: fc.option(fc.string()),
});

const observation: fc.Arbitrary<Observation> = fc.oneof(
  { weight: 6, arbitrary: seenLook },
  fc.record({
    kind: fc.constant('refused' as const),
    reason: fc.constantFrom('draining', 'starting', 'suspended', 'busy'),
    retryAfterMs: fc.nat(),
  }),
  fc.constant({ kind: 'unseen' as const }),
  fc.record({ kind: fc.constant('acknowledged' as const), runId: fc.constantFrom(...ids) }),
  fc.record({ kind: fc.constant('unreachable' as const), why: fc.string() }),
);

/** Anything that shows that a turn of this attempt began, or may still begin by itself. */
function hasTrace(look: LookSeen): boolean {
  return (
    look.recoveries.length > 0 ||
    look.own.some(
      (run) =>
        run.userRow ||
        run.executing ||
        run.answer !== null ||
        run.pendingInput === 'queued' ||
        (run.pendingInput !== 'interrupted' && (run.endedByRestart || run.failure !== null)),
    )
  );
}

describe('one decision, whatever stands in the row and whatever the gateway shows', () => {
  test('there is always exactly one action, and it never depends on anything but its input (P22)', () => {
    fc.assert(
      fc.property(facts, fc.array(observation, { minLength: 1, maxLength: 4 }), (row, seen) => {
        const answers = [1, 2].map(() => run(row, seen).map(({ action }) => action));
        expect(answers[0]).toEqual(answers[1]);
        for (const action of answers[0]!) expect(typeof action.kind).toBe('string');
      }),
    );
  });

  test('nothing is committed or sent over a trace of an earlier turn, another state, or a request to end (P22, P23)', () => {
    let commits = 0;
    fc.assert(
      fc.property(facts, observation, (row, seen) => {
        const { action } = run(row, [seen])[0]!;
        if (action.kind !== 'commit-sending' && action.kind !== 'send') return;
        commits += 1;
        expect(seen.kind).toBe('seen');
        const look = seen as LookSeen;
        expect(hasTrace(look)).toBe(false);
        expect(row.cancelRequested).toBeNull();
        expect(['planned', 'sending', 'accepted']).toContain(row.state);
        expect(look.gateway.stateId).not.toBeNull();
        expect([null, look.gateway.stateId]).toContain(row.stateId);
        const burnt = look.own.at(-1)?.pendingInput === 'interrupted';
        if (row.state === 'accepted') expect(burnt).toBe(true);
        if (burnt) expect(row.runIds).not.toContain(action.runId);
      }),
      { numRuns: 5_000 },
    );
    expect(commits).toBeGreaterThan(20);
  });

  test('nobody is told that it is over while something of it executes (P28)', () => {
    fc.assert(
      fc.property(facts, seenLook, (row, look) => {
        const { action } = run(row, [look])[0]!;
        const sameState = row.stateId === null || row.stateId === look.gateway.stateId;
        const executes = [...look.own, ...look.recoveries].some((one) => one.executing);
        if (!sameState || !executes || look.own.some((one) => one.answer !== null)) return;
        // An attempt that never sent anything has nothing that could execute: what bears its name is not its own.
        if (row.runIds.length === 0) return;
        if (row.state === 'planned' && action.kind === 'release') return;
        expect(['confirm-abort', 'fail', 'release', 'free-lane']).not.toContain(action.kind);
      }),
      { numRuns: 3_000 },
    );
  });

  test('a run is aborted only when it is to end (P26)', () => {
    fc.assert(
      fc.property(facts, observation, (row, seen) => {
        const { action, nowMs } = run(row, [seen])[0]!;
        if (action.kind !== 'abort') return;
        const overdue = row.sendingAtMs !== null && nowMs - row.sendingAtMs >= row.runLimitMs;
        expect(row.cancelRequested !== null || overdue).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

function run(
  row: AttemptFacts,
  observations: readonly Observation[],
): { action: ReturnType<typeof decide>; nowMs: number }[] {
  let memory = freshMemory(row);
  let nowMs = 0;
  return observations.map((seen) => {
    nowMs += 7_000;
    memory = rememberToLook(memory, nowMs, DEFAULT_ATTEMPT_POLICY.inattentionMs);
    memory = remember(memory, row, seen, nowMs);
    const action = decide({ facts: row, seen, memory, policy: DEFAULT_ATTEMPT_POLICY, nowMs });
    return { action, nowMs };
  });
}

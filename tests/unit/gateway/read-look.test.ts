import { readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { LookSeen } from '../../../src/domain/look.ts';
import { readLook, UNATTRIBUTED_RUN } from '../../../src/gateway/read-look.ts';

interface Recorded {
  readonly history: Readonly<Record<string, unknown>> & { readonly messages: readonly unknown[] };
  readonly tasks: readonly unknown[];
}

/** Frames of a real gateway 2026.9.6, one entry per situation, reduced to the fields that matter. */
const recorded = JSON.parse(
  readFileSync(new URL('./fixtures/looks-2026.9.6.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Recorded>>;

const gateway = { bootId: 'boot', stateId: 'state', readyForMs: 0, noRecoveryForMs: 0 };

function lookAt(name: string, ...runIds: string[]): LookSeen {
  const frames = recorded[name]!;
  return readLook({
    gateway,
    runIds,
    tasks: frames.tasks,
    messages: frames.history.messages,
    history: frames.history,
  });
}

describe('what a real gateway shows', () => {
  test('a session that was never used shows nothing (P22.10)', () => {
    expect(lookAt('nothing', 'none-a1')).toEqual({
      kind: 'seen',
      gateway,
      own: [
        {
          runId: 'none-a1',
          userRow: false,
          executing: false,
          pendingInput: null,
          answer: null,
          failure: null,
          usage: null,
          endedByRestart: false,
        },
      ],
      recoveries: [],
      foreignRunIds: [],
      sessionStatus: null,
    });
  });

  test('a finished run gives its text, usage, cost and model (P22.1)', () => {
    const look = lookAt('finished', 'k1-a1');
    expect(look.own[0]).toMatchObject({ userRow: true, executing: false, failure: null });
    expect(look.own[0]?.answer).toEqual({
      runId: 'k1-a1',
      text: 'one',
      model: 'mock/mock-1',
      usage: {
        inputTokens: 103,
        outputTokens: 1,
        totalTokens: 104,
        costUsd: 0.00010499999999999999,
      },
    });
    expect(look.sessionStatus).toBe('done');
  });

  test('an executing run is followed, not collected (P22.2)', () => {
    const look = lookAt('executing', 'k2-a1');
    expect(look.own[0]).toMatchObject({
      userRow: true,
      executing: true,
      answer: null,
      failure: null,
    });
    expect(look.foreignRunIds).toEqual([]);
  });

  test('a run that waits for a lane is accepted and not resent (P22.2)', () => {
    expect(lookAt('queued-in-lane', 'k4-a1').own[0]).toMatchObject({
      userRow: false,
      executing: true,
      pendingInput: 'queued',
    });
  });

  test('a run queued behind another of its session names the other as foreign (P22.7)', () => {
    const look = lookAt('queued-in-session', 'k2b-a1');
    expect(look.own[0]).toMatchObject({ executing: true, pendingInput: 'queued' });
    expect(look.foreignRunIds).toEqual(['k2-a1']);
  });

  test("the rows of an earlier task in the session are not this one's (P22.1)", () => {
    const look = lookAt('finished-second', 'k2b-a1');
    expect(look.own[0]?.answer?.text).toBe('2b');
    expect(look.own[0]?.answer?.usage?.totalTokens).toBe(106);
  });

  test('a person who chats in the session is foreign (P22.7)', () => {
    const look = lookAt('person-chatting', 'p1-a1');
    expect(look.own[0]).toMatchObject({ executing: false, userRow: false });
    expect(look.foreignRunIds).toEqual(['person-1']);
    expect(lookAt('person-done', 'p1-a1').foreignRunIds).toEqual([]);
  });

  test("another task's run in the session is foreign, its cancelled input is not (P22.7)", () => {
    expect(lookAt('foreign-executing', 'q1-zz').foreignRunIds).toEqual(['q1-a1']);
  });
});

describe('bad ends on a real gateway', () => {
  test.each([
    ['failed-400', 'f1-a1', 'permanent', null],
    ['failed-401', 's401-a1', 'permanent', null],
    ['failed-429', 's429-a1', 'rate-limited', 1000],
    ['failed-503', 's503-a1', 'transient', null],
    ['failed-dropped', 'drop-a1', 'transient', null],
  ] as const)(
    '%s is classed by what may help (P22.6)',
    (name, runId, failureClass, retryAfterMs) => {
      const { failure, answer, executing } = lookAt(name, runId).own[0]!;
      expect(failure).toMatchObject({
        class: failureClass,
        retryAfterMs,
        aborted: false,
        timedOut: false,
      });
      expect({ answer, executing }).toEqual({ answer: null, executing: false });
    },
  );

  test('an aborted run says so, running or queued (P22.6)', () => {
    expect(lookAt('aborted', 'a1-a1').own[0]?.failure).toMatchObject({ aborted: true });
    const queued = lookAt('aborted-queued', 'q1-b1').own[0];
    expect(queued?.failure).toMatchObject({ aborted: true });
    expect(queued?.pendingInput).toBeNull();
  });

  test('a run that used up its own time is no provider time-out (P22.6)', () => {
    expect(lookAt('timed-out', 't1-a1').own[0]?.failure).toMatchObject({
      timedOut: true,
      aborted: false,
    });
  });

  test.each([
    ['unknown-model', 'nm-a1', 'permanent'],
    ['failed-key-disabled', 'after401-a1', 'rate-limited'],
  ] as const)(
    '%s failed before its turn began: its interrupted input is a failure, not a reason to resend (P22.4, P22.6)',
    (name, runId, failureClass) => {
      const own = lookAt(name, runId).own[0];
      expect(own).toMatchObject({ pendingInput: null, userRow: false, executing: false });
      expect(own?.failure?.class).toBe(failureClass);
    },
  );

  test('the error row that a repeated key appends does not hide the answer (P22.1)', () => {
    const own = lookAt('finished-key-again', 'k1-a1').own[0];
    expect(own?.answer?.text).toBe('one');
    expect(own?.failure).toBeNull();
  });
});

describe('after a crash of a real gateway', () => {
  test('an input whose turn never began is burnt (P22.4)', () => {
    expect(lookAt('interrupted-input', 'c2-a1').own[0]).toMatchObject({
      pendingInput: 'interrupted',
      userRow: false,
      executing: false,
      failure: null,
      endedByRestart: false,
    });
    expect(lookAt('interrupted-input-resent', 'c2-a1').own[0]?.pendingInput).toBe('interrupted');
  });

  test('before the recovery shows its input, the turn is only ended by the restart (P22.5)', () => {
    const look = lookAt('recovery-announced', 'c1-a1');
    expect(look.own[0]).toMatchObject({ userRow: true, endedByRestart: true, executing: false });
    expect(look.recoveries).toEqual([]);
    expect(look.foreignRunIds).toEqual(['4c484b07-fc9c-4bc7-a247-e1c4cda50094']);
  });

  test.each(['recovery-queued', 'recovery-executing'])('%s is adopted as ours (P22.3)', (name) => {
    const look = lookAt(name, 'c1-a1');
    expect(look.recoveries).toEqual([
      {
        runId: '4c484b07-fc9c-4bc7-a247-e1c4cda50094',
        ownRunId: 'c1-a1',
        executing: true,
        answer: null,
        failure: null,
        usage: null,
      },
    ]);
    expect(look.foreignRunIds).toEqual([]);
  });

  test('a finished recovery carries the answer (P22.1)', () => {
    const look = lookAt('recovery-finished', 'c1-a1');
    expect(look.recoveries[0]).toMatchObject({ executing: false, answer: { text: 'c-one' } });
    expect(look.own[0]).toMatchObject({ endedByRestart: true, answer: null });
  });

  test('a recovery of an earlier task in the session is foreign (P22.7)', () => {
    const look = lookAt('recovery-executing', 'c1-b1');
    expect(look.recoveries).toEqual([]);
    expect(look.foreignRunIds).toEqual(['4c484b07-fc9c-4bc7-a247-e1c4cda50094']);
    expect(look.own[0]?.pendingInput).toBe('interrupted');
  });
});

describe('frames that contradict themselves', () => {
  const row = (runId: string, stopReason: string, text: string): unknown => ({
    role: 'assistant',
    content: [{ type: 'text', text }],
    stopReason,
    __openclaw: { runId },
  });
  const input = (runId: string, content = 'do it'): unknown => ({
    role: 'user',
    content,
    idempotencyKey: `${runId}:user`,
  });
  const read = (parts: { messages?: unknown[]; tasks?: unknown[]; info?: object }): LookSeen =>
    readLook({
      gateway,
      runIds: ['t-a1'],
      tasks: parts.tasks ?? [],
      messages: parts.messages ?? [],
      history: { sessionId: 's', sessionInfo: parts.info ?? {} },
    });

  test('a ledger row that still says running in a session at rest is stale (P22.5)', () => {
    const look = read({
      messages: [input('t-a1')],
      tasks: [{ runId: 't-a1', status: 'running', execution: { state: 'running' } }],
      info: { hasActiveRun: false },
    });
    expect(look.own[0]).toMatchObject({ executing: false, answer: null, failure: null });
    expect(look.foreignRunIds).toEqual([]);
  });

  test('a run between its end and its booking is executing until its last row stands (P22.2)', () => {
    const tasks = [{ runId: 't-a1', status: 'running', execution: { state: 'finished' } }];
    const info = { hasActiveRun: true };
    expect(read({ messages: [input('t-a1')], tasks, info }).own[0]?.executing).toBe(true);
    const booked = read({ messages: [input('t-a1'), row('t-a1', 'stop', 'yes')], tasks, info });
    expect(booked.own[0]).toMatchObject({ executing: false, answer: { text: 'yes' } });
  });

  test('a busy session that names no run is waited for (P22.7)', () => {
    expect(read({ info: { hasActiveRun: true } }).foreignRunIds).toEqual([UNATTRIBUTED_RUN]);
  });

  test('usage is the sum over the calls of the run, tool calls included (P15)', () => {
    const call = (stopReason: string, totalTokens: number): unknown => ({
      ...(row('t-a1', stopReason, 'x') as object),
      usage: { input: 10, output: 5, totalTokens, cost: { total: 0.5 } },
    });
    const look = read({ messages: [input('t-a1'), call('toolUse', 15), call('stop', 15)] });
    expect(look.own[0]?.answer?.usage).toEqual({
      inputTokens: 20,
      outputTokens: 10,
      totalTokens: 30,
      costUsd: 1,
    });
  });

  test('a second recovery belongs to the same own run (P22.3)', () => {
    const system = '[System] Your previous turn was interrupted by a gateway restart while';
    const look = read({
      messages: [
        input('t-a1'),
        input('r1', system),
        input('r2', system),
        row('r2', 'stop', 'done'),
      ],
    });
    expect(look.recoveries.map(({ runId, ownRunId }) => [runId, ownRunId])).toEqual([
      ['r1', 't-a1'],
      ['r2', 't-a1'],
    ]);
    expect(look.recoveries[1]?.answer?.text).toBe('done');
  });

  test('a recovery behind another input than ours is foreign even when ours stands before it (P22.7)', () => {
    const system = '[System] Your previous turn was interrupted by a gateway restart while';
    const look = read({
      messages: [input('t-a1'), row('t-a1', 'stop', 'a'), input('other'), input('r1', system)],
    });
    expect(look.recoveries).toEqual([]);
  });

  test('the message of a failure is cut to 2 000 characters (P22.6)', () => {
    const look = read({ tasks: [{ runId: 't-a1', status: 'failed', error: 'x'.repeat(5000) }] });
    expect(look.own[0]?.failure?.message).toHaveLength(2000);
  });
});

describe('total over everything', () => {
  const anything = fc.anything({ maxDepth: 4 });

  test('whatever the frames hold, the look lists every own run and never throws (P22)', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 3 }),
        fc.array(anything, { maxLength: 5 }),
        fc.array(anything, { maxLength: 5 }),
        anything,
        (runIds, tasks, messages, history) => {
          const look = readLook({ gateway, runIds, tasks, messages, history });
          expect(look.own.map(({ runId }) => runId)).toEqual(runIds);
        },
      ),
    );
  });

  const runId = fc.constantFrom('t-a1', 't-a1r1', 'r1', 'other');
  const text = fc.constantFrom(
    'hello',
    '[System] Your previous turn was interrupted by a gateway restart',
  );
  const message = fc.oneof(
    fc.record({
      role: fc.constant('user'),
      content: text,
      idempotencyKey: runId.map((id) => `${id}:user`),
    }),
    fc.record({
      role: fc.constant('assistant'),
      content: text,
      stopReason: fc.constantFrom('stop', 'toolUse', 'error', 'aborted', undefined),
      __openclaw: fc.record({ runId }),
    }),
    fc.record({
      role: fc.constant('assistant'),
      idempotencyKey: runId.map((id) => `${id}:terminal-error`),
      __openclaw: fc.record({ runId }),
    }),
  );
  const task = fc.record({
    runId,
    status: fc.constantFrom('queued', 'running', 'completed', 'failed', 'cancelled', 'timed_out'),
    execution: fc.record({ state: fc.constantFrom('queued', 'running', 'finished', 'unknown') }),
    error: fc.constantFrom(undefined, 'Task execution process exited before restart.', 'boom'),
  });
  const history = fc.record({
    sessionId: fc.constantFrom('s', undefined),
    inFlightRun: fc.option(fc.record({ runId }), { nil: undefined }),
    pendingInputs: fc.record({
      items: fc.array(
        fc.record({
          runId,
          state: fc.constantFrom('queued', 'interrupted', 'cancelled'),
          message: fc.record({ content: text }),
        }),
        { maxLength: 2 },
      ),
    }),
    sessionInfo: fc.record({
      status: fc.constantFrom('running', 'done', 'failed', 'killed', 'timeout', undefined),
      hasActiveRun: fc.constantFrom(true, false, undefined),
      lastRunId: fc.option(runId, { nil: undefined }),
    }),
  });

  test('one run has one end: executing, answered and failed exclude each other (P22)', () => {
    fc.assert(
      fc.property(
        fc.array(task, { maxLength: 4 }),
        fc.array(message, { maxLength: 6 }),
        history,
        (tasks, messages, page) => {
          const look = readLook({
            gateway,
            runIds: ['t-a1', 't-a1r1'],
            tasks,
            messages,
            history: page,
          });
          for (const run of [...look.own, ...look.recoveries]) {
            const ends = [run.executing, run.answer !== null, run.failure !== null];
            expect(ends.filter(Boolean).length).toBeLessThanOrEqual(1);
          }
          const burnt = look.own.filter(({ pendingInput }) => pendingInput === 'interrupted');
          expect(burnt.filter((run) => run.executing || run.answer || run.failure)).toEqual([]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('what executes is either ours or foreign, never both and never hidden (P22)', () => {
    fc.assert(
      fc.property(
        fc.array(task, { maxLength: 4 }),
        fc.array(message, { maxLength: 6 }),
        history,
        (tasks, messages, page) => {
          const look = readLook({
            gateway,
            runIds: ['t-a1', 't-a1r1'],
            tasks,
            messages,
            history: page,
          });
          const ours = new Set([...look.own, ...look.recoveries].map((run) => run.runId));
          expect(look.foreignRunIds.filter((id) => ours.has(id))).toEqual([]);
          const inFlight = page.inFlightRun?.runId;
          if (inFlight === undefined) return;
          const seen = [...look.own, ...look.recoveries].find((run) => run.runId === inFlight);
          expect(seen === undefined ? look.foreignRunIds.includes(inFlight) : seen.executing).toBe(
            true,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
});

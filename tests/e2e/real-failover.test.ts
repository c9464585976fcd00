import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { taskAttempts } from '../../src/db/attempt-record.ts';
import { taskSpending } from '../../src/db/budget-store.ts';
import { startTestDash, type TestDash } from '../support/dash.ts';
import { eventually } from '../support/eventually.ts';
import {
  adoptRealGateway,
  answeredOnce,
  followedBy,
  ownedBy,
  resumedOnce,
  storyOf,
} from '../support/real-adopted.ts';
import { startRealGateway, type RealGateway } from '../support/real-gateway.ts';
import { callsOf, inMidRun, maxOverlap, modelGates, oneInMidRun } from '../support/real-witness.ts';

const GATEWAY = 'real-1';
const FREEZE_MS = 30_000;

describe('an adopted real gateway', () => {
  const gates = modelGates();
  let real: RealGateway;
  let dash: TestDash;

  beforeAll(async () => {
    real = await startRealGateway({ modelClock: gates.clock });
  }, 200_000);

  beforeEach(async () => {
    dash = await startTestDash();
  }, 60_000);

  afterEach(() => dash?.close(), 60_000);
  afterAll(() => real?.close(), 30_000);

  test('a host killed in mid-run: the next host adopts the same run, and the model is asked once (R11, P21, P22.2, P32)', async () => {
    const killed = await dash.startHostProcess('host-a');
    await adoptRealGateway(dash, real, GATEWAY);
    const prompt = `host-killed ${gates.behind('host-killed')} [[say:adopted]]`;
    const taskId = await dash.submit({ prompt });
    await inMidRun(real.model, 'host-killed');
    await dash.startHostProcess('host-b');
    killed.signal('SIGKILL');
    await ownedBy(dash, GATEWAY, 'host-b');
    await followedBy(dash, taskId, 'host-b');
    gates.open('host-killed');

    expect((await dash.ended(taskId, 60_000)).output).toBe('adopted');
    expect(await storyOf(dash, real, taskId)).toEqual(answeredOnce(taskId, 'adopted'));
    expect(callsOf(real.model, 'host-killed')).toHaveLength(1);
  }, 300_000);

  test('a host frozen for 30 s and woken is fenced: one answer per task, the model asked once for each, no frame of the old owner (R11, P24, P25)', async () => {
    const frozen = await dash.startHostProcess('host-a');
    await adoptRealGateway(dash, real, GATEWAY);
    const epochBefore = (await dash.gateway(GATEWAY)).ownerEpoch;
    const answers: Record<string, string> = {};
    const submit = async (marker: string, directives = ''): Promise<void> => {
      const prompt = `${marker} ${directives} [[say:${marker} answer]]`;
      answers[await dash.submit({ prompt })] = `${marker} answer`;
    };
    // One ends while its host is frozen, one when it is awake again.
    await submit('frozen-short', gates.behind('frozen-short'));
    await submit('frozen-long', gates.behind('frozen-long'));
    await inMidRun(real.model, 'frozen-short');
    await inMidRun(real.model, 'frozen-long');
    await dash.startHostProcess('host-b');

    frozen.signal('SIGSTOP');
    const frozenAt = performance.now();
    await ownedBy(dash, GATEWAY, 'host-b');
    const epochAfter = (await dash.gateway(GATEWAY)).ownerEpoch;
    expect(epochAfter).toBeGreaterThan(epochBefore);
    gates.open('frozen-short');
    const [short = '', long = ''] = Object.keys(answers);
    expect((await dash.ended(short, 60_000)).output).toBe('frozen-short answer');
    await followedBy(dash, long, 'host-b');
    const leftMs = Math.max(0, FREEZE_MS - (performance.now() - frozenAt));
    await new Promise((resolve) => setTimeout(resolve, leftMs));
    // The news of this one waits in the sockets of both hosts when the old owner wakes.
    await submit('frozen-news');
    frozen.signal('SIGCONT');

    await eventually(() => /"end":"superseded"/.test(frozen.output()), {
      timeoutMs: 30_000,
      what: 'the woken host to let go of the gateway',
    });
    gates.open('frozen-long');
    for (const [taskId, answer] of Object.entries(answers)) {
      expect((await dash.ended(taskId, 60_000)).output).toBe(answer);
      expect(await storyOf(dash, real, taskId)).toEqual(answeredOnce(taskId, answer));
    }
    for (const marker of ['frozen-short', 'frozen-long', 'frozen-news'])
      expect({ marker, calls: callsOf(real.model, marker).length }).toEqual({ marker, calls: 1 });
    expect(await dash.gateway(GATEWAY)).toMatchObject({
      ownerHost: 'host-b',
      ownerEpoch: epochAfter,
    });
  }, 200_000);

  test('a turn that uses its budget up is ended in its midst: beyond the limit goes the model call that crossed it, and at most one more is begun and broken off (P15, P28)', async () => {
    await dash.startHostProcess('host-a');
    await adoptRealGateway(dash, real, GATEWAY);
    const prompt = 'overspending [[calls:12]] [[sleep:2000]] [[say:never said]]';
    // Of the stub model: words of the prompt, and five for a call of a tool.
    const perCall = 5 + 5;
    const tokens = 2.5 * perCall;
    const taskId = await dash.submit({ prompt, budget: { usd: null, tokens } });
    const task = await dash.ended(taskId, 120_000);
    expect(task).toMatchObject({
      state: 'dead',
      stateReason: 'budget',
      spent: { tokens: 3 * perCall },
      usage: { totalTokens: 3 * perCall },
    });
    const outcomes = callsOf(real.model, 'overspending').map(({ outcome }) => outcome);
    expect(outcomes.slice(0, 3)).toEqual(['answered', 'answered', 'answered']);
    expect([[], ['abandoned']]).toContainEqual(outcomes.slice(3));
    const [attempt] = await taskAttempts(dash.database.db, taskId);
    expect(attempt).toMatchObject({ outcome: 'cancelled', limit: { tokens } });
    const ledger = await taskSpending(dash.database.db, taskId);
    expect(ledger.reduce((sum, entry) => sum + entry.tokens, 0)).toBe(3 * perCall);
    process.stdout.write(
      `Measured: budget ${tokens} tokens, spent ${task.spent.tokens}; model calls: ${outcomes.join(', ')}\n`,
    );
  }, 200_000);

  test('a gateway killed in mid-run: the recovery run of each turn is adopted under its new id, one answer, one attempt (R11, P22.3)', async () => {
    await dash.startHostProcess('host-a');
    await adoptRealGateway(dash, real, GATEWAY);
    const { bootId } = await dash.gateway(GATEWAY);
    const markers = ['killed-left', 'killed-right'];
    const submit = async (marker: string): Promise<string> => {
      const prompt = `${marker} ${gates.behind(marker)} [[say:${marker} answer]]`;
      return dash.submit({ prompt });
    };
    const taskIds = await Promise.all(markers.map(submit));
    await Promise.all(markers.map((marker) => inMidRun(real.model, marker)));
    await real.crash();
    await real.start();

    // The gateway resumes one after the other; each is adopted while it runs.
    const waiting = new Set(markers);
    while (waiting.size > 0) {
      const marker = await oneInMidRun(real.model, [...waiting]);
      waiting.delete(marker);
      const taskId = taskIds[markers.indexOf(marker)] ?? '';
      await eventually(
        async () => (await taskAttempts(dash.database.db, taskId))[0]?.recoveryRunIds.length === 1,
        { timeoutMs: 90_000, what: `the recovery run of ${marker} to be adopted` },
      );
      gates.open(marker);
      expect((await dash.ended(taskId, 120_000)).output).toBe(`${marker} answer`);
      expect(await storyOf(dash, real, taskId)).toEqual(resumedOnce(taskId, `${marker} answer`));
      const calls = callsOf(real.model, marker);
      expect(calls.map(({ outcome }) => outcome)).toEqual(['abandoned', 'answered']);
      expect(maxOverlap(calls)).toBe(1);
    }
    expect((await dash.gateway(GATEWAY)).bootId).not.toBe(bootId);
  }, 400_000);
});

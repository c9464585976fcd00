import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { taskAttempts } from '../../src/db/attempt-record.ts';
import { startTestDash, type TestDash } from '../support/dash.ts';
import { eventually } from '../support/eventually.ts';
import { adoptRealGateway, answeredOnce, ownedBy, storyOf } from '../support/real-adopted.ts';
import { startRealGateway, type RealGateway } from '../support/real-gateway.ts';
import { callsOf, inMidRun, maxOverlap, modelGates } from '../support/real-witness.ts';

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
    const prompt = `host-killed ${gates.behind(1)} [[say:adopted]]`;
    const taskId = await dash.submit({ prompt });
    await inMidRun(real.model, 'host-killed');
    await dash.startHostProcess('host-b');
    killed.signal('SIGKILL');
    await ownedBy(dash, GATEWAY, 'host-b');
    gates.open(1);

    expect((await dash.ended(taskId, 60_000)).output).toBe('adopted');
    expect(await storyOf(dash, real, taskId)).toEqual(answeredOnce(taskId, 'adopted'));
    expect(callsOf(real.model, 'host-killed')).toHaveLength(1);
  }, 200_000);

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
    await submit('frozen-short', gates.behind(2));
    await submit('frozen-long', gates.behind(3));
    await inMidRun(real.model, 'frozen-short');
    await inMidRun(real.model, 'frozen-long');
    await dash.startHostProcess('host-b');

    frozen.signal('SIGSTOP');
    const frozenAt = performance.now();
    await ownedBy(dash, GATEWAY, 'host-b');
    const epochAfter = (await dash.gateway(GATEWAY)).ownerEpoch;
    expect(epochAfter).toBeGreaterThan(epochBefore);
    gates.open(2);
    const [short = ''] = Object.keys(answers);
    expect((await dash.ended(short, 30_000)).output).toBe('frozen-short answer');
    const leftMs = Math.max(0, FREEZE_MS - (performance.now() - frozenAt));
    await new Promise((resolve) => setTimeout(resolve, leftMs));
    // The news of this one waits in the sockets of both hosts when the old owner wakes.
    await submit('frozen-news');
    frozen.signal('SIGCONT');

    await eventually(() => /"end":"superseded"/.test(frozen.output()), {
      timeoutMs: 30_000,
      what: 'the woken host to let go of the gateway',
    });
    gates.open(3);
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

  test('a gateway killed in mid-run: its recovery run under the new id is adopted, one answer, one attempt (R11, P22.3)', async () => {
    await dash.startHostProcess('host-a');
    await adoptRealGateway(dash, real, GATEWAY);
    const { bootId } = await dash.gateway(GATEWAY);
    const prompt = `gateway-killed ${gates.behind(4)} [[say:resumed]]`;
    const taskId = await dash.submit({ prompt });
    await inMidRun(real.model, 'gateway-killed');
    await real.crash();
    await real.start();
    await eventually(
      async () => (await taskAttempts(dash.database.db, taskId))[0]?.recoveryRunIds.length === 1,
      { timeoutMs: 90_000, what: 'the recovery run to be adopted while it runs' },
    );
    gates.open(4);

    expect((await dash.ended(taskId, 120_000)).output).toBe('resumed');
    const { attempts, events, transcript } = await storyOf(dash, real, taskId);
    expect(transcript).toEqual({
      asked: [`${taskId}-a1`],
      resumed: [expect.not.stringMatching(`^${taskId}`)],
      answers: ['resumed'],
    });
    expect(attempts).toEqual([
      {
        number: 1,
        state: 'closed',
        outcome: 'succeeded',
        runIds: transcript.asked,
        recoveryRunIds: transcript.resumed,
      },
    ]);
    expect(events).toEqual([
      'task.accepted',
      'task.dispatched',
      'attempt.accepted',
      'attempt.recovery-adopted',
      'task.completed',
    ]);
    const calls = callsOf(real.model, 'gateway-killed');
    expect(calls.map(({ outcome }) => outcome)).toEqual(['abandoned', 'answered']);
    expect(maxOverlap(calls)).toBe(1);
    expect((await dash.gateway(GATEWAY)).bootId).not.toBe(bootId);
  }, 300_000);
});

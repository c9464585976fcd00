import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { taskAttempts } from '../../../src/db/attempt-record.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';

let dash: TestDash;

beforeEach(async () => {
  dash = await startTestDash();
}, 60_000);

afterEach(() => dash?.close(), 60_000);

test('a host that is killed in mid-run loses nothing: the next host adopts the same run, and the model is asked once (R11, P21, P32, G16)', async () => {
  const first = await dash.startHostProcess('host-a');
  const gateway = await dash.addGateway('gw-1');
  await dash.startHostProcess('host-b');
  const taskId = await dash.submit({ prompt: 'slow [[sleep:6000]] [[say:done]]' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1, { what: 'the run' });
  first.signal('SIGKILL');
  const task = await dash.ended(taskId, 40_000);
  expect(task.output).toBe('done');
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
  const attempts = await taskAttempts(dash.database.db, taskId);
  expect(attempts).toHaveLength(1);
  expect((await dash.gateway('gw-1')).ownerHost).toBe('host-b');
}, 180_000);

test('a host that is frozen and woken is fenced: the other one has the gateway, there is one answer (P24, P25)', async () => {
  const frozen = await dash.startHostProcess('host-a');
  const gateway = await dash.addGateway('gw-1');
  await dash.startHostProcess('host-b');
  const taskId = await dash.submit({ prompt: 'slow [[sleep:5000]] [[say:done]]' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1, { what: 'the run' });
  frozen.signal('SIGSTOP');
  // A frozen host has polls open: each of them swallows one hold until that times out.
  await eventually(async () => (await dash.gateway('gw-1')).ownerHost === 'host-b', {
    timeoutMs: 60_000,
    what: 'the other host to own the gateway',
  });
  frozen.signal('SIGCONT');
  const later = await dash.submit({ prompt: 'quick [[say:second]]' });
  expect((await dash.ended(taskId, 40_000)).output).toBe('done');
  expect((await dash.ended(later, 40_000)).output).toBe('second');
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
  expect(gateway.log.runsStarted(later)).toHaveLength(1);
  expect((await dash.gateway('gw-1')).ownerHost).toBe('host-b');
}, 180_000);

test('a host that is asked to end hands over: no run is touched, the next host has the gateway within seconds (P34)', async () => {
  const leaving = await dash.startHostProcess('host-a');
  const gateway = await dash.addGateway('gw-1');
  await dash.startHostProcess('host-b');
  const taskId = await dash.submit({ prompt: 'slow [[sleep:4000]] [[say:done]]' });
  await eventually(() => gateway.log.runsStarted(taskId).length === 1, { what: 'the run' });
  leaving.signal('SIGTERM');
  await eventually(async () => (await dash.gateway('gw-1')).ownerHost === 'host-b', {
    timeoutMs: 40_000,
    what: 'the hand-over',
  });
  await leaving.exited;
  expect((await dash.ended(taskId, 30_000)).output).toBe('done');
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
  expect(await taskAttempts(dash.database.db, taskId)).toHaveLength(1);
  expect(leaving.output()).toContain('ended');
}, 180_000);

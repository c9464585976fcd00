import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { taskWorkflowId } from '../../../src/domain/names.ts';
import type { FakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { startTestDash, type TestDash } from '../../support/dash.ts';

let dash: TestDash;
let gateway: FakeGateway;

beforeAll(async () => {
  dash = await startTestDash();
  await dash.startHost('host-a');
  gateway = await dash.addGateway('gw-1');
}, 60_000);

afterAll(() => dash?.close());

test('an accepted task runs once on a gateway, and its workflow has exactly eleven history events (R11)', async () => {
  const taskId = await dash.submit({ prompt: 'hello [[say:forty two]]' });
  const task = await dash.ended(taskId);
  expect(task.state).toBe('completed');
  expect(task.output).toBe('forty two');
  expect(gateway.log.runsStarted(taskId)).toHaveLength(1);
  const handle = dash.temporal.client.workflow.getHandle(taskWorkflowId(taskId));
  expect(await handle.result()).toEqual({ state: 'completed' });
  const { events } = await handle.fetchHistory();
  expect(events).toHaveLength(11);
}, 30_000);

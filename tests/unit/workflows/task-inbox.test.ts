import { expect, test } from '@jest/globals';
import { createTaskInbox } from '../../../workflows/support/task-inbox.ts';

const delivery = { attemptId: 'a-1', gatewayId: 'gw-1' };

test('an attempt that the row told of first is run once: its delivery is no news any more (P20)', () => {
  const inbox = createTaskInbox();
  inbox.dispatched(delivery);
  inbox.dispatched({ attemptId: 'a-2', gatewayId: 'gw-2' });
  inbox.heardOf('a-1');
  expect(inbox.takeDispatch()).toEqual({ attemptId: 'a-2', gatewayId: 'gw-2' });
  expect(inbox.isEmpty()).toBe(true);
});

test('a delivery of an attempt that was acted on is its reappearance, and nothing to run by itself (P20, P29)', () => {
  const inbox = createTaskInbox();
  inbox.heardOf('a-1');
  inbox.dispatched(delivery);
  expect(inbox.isEmpty()).toBe(true);
  expect(inbox.hasNewsOf('a-1')).toBe(true);
  expect([inbox.takeReappearance('a-1'), inbox.takeReappearance('a-1')]).toEqual([true, false]);
});

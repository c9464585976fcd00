import { expect, test } from '@jest/globals';
import { createRunsAhead, type RunsAhead } from '../../../workers/runs-ahead.ts';

let nowMs: number;
let caughtUp: number;

function withAhead(count: number): RunsAhead {
  nowMs = 1_000;
  caughtUp = 0;
  const clock = { now: () => nowMs, monotonic: () => nowMs, sleep: async () => undefined };
  const ahead = createRunsAhead(clock, () => {
    caughtUp += 1;
  });
  for (let index = 0; index < count; index += 1) ahead.began(`a${index}`);
  return ahead;
}

test('claims wait while 64 runs are ahead of their workflows, and are called once when one of these has asked', () => {
  expect(withAhead(63).areMany()).toBe(false);
  const ahead = withAhead(64);
  expect(ahead.areMany()).toBe(true);
  ahead.joined('somebody else');
  expect({ many: ahead.areMany(), caughtUp }).toEqual({ many: true, caughtUp: 0 });
  ahead.joined('a7');
  ahead.joined('a7');
  ahead.joined('a8');
  expect({ many: ahead.areMany(), caughtUp }).toEqual({ many: false, caughtUp: 1 });
});

test('a workflow that asks before its start is answered leaves nothing behind', () => {
  const ahead = withAhead(63);
  ahead.joined('quick');
  ahead.began('quick');
  expect(ahead.areMany()).toBe(false);
  ahead.began('quick');
  expect(ahead.areMany()).toBe(true);
});

test('runs whose workflow never asked are forgotten after half a minute: a fleet without control workers goes on slowly', () => {
  const ahead = withAhead(64);
  nowMs += 29_999;
  expect(ahead.areMany()).toBe(true);
  nowMs += 1;
  expect(ahead.areMany()).toBe(false);
  ahead.joined('a7');
  expect(caughtUp).toBe(0);
});

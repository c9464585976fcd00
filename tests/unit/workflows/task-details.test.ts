import { expect, test } from '@jest/globals';
import { taskDetails } from '../../../workflows/support/task-details.ts';

test.each([
  [{ kind: 'dispatched', attemptId: 'a-1', gatewayId: 'gw-1' }, 'Runs on gateway **gw-1**'],
  [{ kind: 'waits' }, 'waits for a free lane'],
  [{ kind: 'backing-off', attemptId: 'a-1', forMs: 1_500 }, 'tries again in 2 s'],
  [
    { kind: 'deciding', attemptId: 'a-1', gatewayId: 'gw-1', discard: false },
    '(`dashctl task decide`)',
  ],
] as const)(
  'Temporal Web says in words where a task stands: %j (architecture 4)',
  (step, words) => {
    expect(taskDetails(step)).toContain(words);
  },
);

import { expect, test } from '@jest/globals';

import { factsOf } from '../../../activities/run-task/facts.ts';
import type { AttemptRecord } from '../../../src/db/attempt-record.ts';

const HOUR_MS = 3_600_000;

const row = {
  sendingAt: '2026-01-01T00:00:00.000Z',
  sendingForMs: 4_000,
  decision: null,
  task: { cancelRequested: null, deadlineInMs: 6_000, runLimitSeconds: 3_600 },
} as AttemptRecord;

test.each([
  ['right', 0],
  ['two hours ahead', 2 * HOUR_MS],
  ['two hours behind', -2 * HOUR_MS],
])(
  'how long a run has been sent does not depend on the clock of its host: %s (R47)',
  (_, offMs) => {
    const clock = {
      now: () => Date.parse('2026-01-01T00:00:04.000Z') + offMs,
      monotonic: () => 100_000,
      sleep: async () => undefined,
    };
    expect(factsOf(row, clock)).toMatchObject({ sendingAtMs: 96_000, deadlineAtMs: 106_000 });
  },
);

import type { PriorityName } from './task.ts';

/** What holds for a task when nobody said otherwise (protocol.md "Defaults"). */
export const TASK_DEFAULTS = {
  tenant: 'default',
  pool: 'default',
  agent: 'main',
  priority: 'normal',
  maxAttempts: 3,
  runLimitSeconds: 3_600,
  idempotent: false,
} as const satisfies {
  readonly tenant: string;
  readonly pool: string;
  readonly agent: string;
  readonly priority: PriorityName;
  readonly maxAttempts: number;
  readonly runLimitSeconds: number;
  readonly idempotent: boolean;
};

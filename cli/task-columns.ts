import type { Attempt, TaskSummary } from '../src/contract/task-dto.ts';
import { age, duration } from './output/format.ts';
import type { Column } from './output/table.ts';
import { stateWords } from './task-outcome.ts';

/** A list of tasks as people see it. */
export function taskColumns(nowMs: number): readonly Column<TaskSummary>[] {
  return [
    { title: 'TASK', value: ({ id }) => id },
    { title: 'STATE', value: stateWords, canShrink: true },
    { title: 'PRIORITY', value: ({ priority }) => priority },
    { title: 'TENANT', value: ({ tenant }) => tenant },
    { title: 'POOL', value: ({ pool }) => pool },
    { title: 'SESSION', value: ({ session }) => session, canShrink: true },
    {
      title: 'ATTEMPTS',
      value: ({ attempts, maxAttempts }) => `${attempts}/${maxAttempts}`,
      align: 'right',
    },
    { title: 'ACCEPTED', value: ({ createdAt }) => age(createdAt, nowMs), align: 'right' },
  ];
}

/** The attempts of one task. */
export const attemptColumns: readonly Column<Attempt>[] = [
  { title: 'ATTEMPT', value: ({ number }) => number, align: 'right' },
  { title: 'GATEWAY', value: ({ gatewayId }) => gatewayId },
  { title: 'STATE', value: ({ state, outcome }) => outcome ?? state },
  { title: 'RAN', value: ranFor, align: 'right' },
  { title: 'TOKENS', value: ({ usage }) => usage?.totalTokens, align: 'right' },
  {
    title: 'RUNS',
    value: ({ runIds, recoveryRunIds }) => [...runIds, ...recoveryRunIds].join(' '),
    canShrink: true,
  },
  {
    title: 'WHY',
    value: ({ failure, indeterminateReason }) => failure?.message ?? indeterminateReason,
    canShrink: true,
  },
];

function ranFor({ acceptedAt, closedAt }: Attempt): string | null {
  if (acceptedAt === null || closedAt === null) return null;
  return duration(Date.parse(closedAt) - Date.parse(acceptedAt));
}

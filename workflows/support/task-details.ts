import { assertNever } from '../../src/domain/assert-never.ts';
import type { TaskStep } from '../../src/domain/task-step.ts';

/** What Temporal Web says in words about where a task stands (Markdown). */
export function taskDetails(step: Exclude<TaskStep, { kind: 'settled' }>): string {
  switch (step.kind) {
    case 'dispatched':
      return `Runs on gateway **${step.gatewayId}** (attempt ${step.attemptId}).`;
    case 'waits':
      return 'Back in the queue: waits for a free lane.';
    case 'backing-off':
      return `Its last attempt failed: tries again in ${Math.ceil(step.forMs / 1_000)} s.`;
    case 'deciding':
      return (
        `Nobody can know how the attempt on **${step.gatewayId}** ended: a person decides ` +
        `(\`dashctl task decide\`).`
      );
    default:
      return assertNever(step);
  }
}

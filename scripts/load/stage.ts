import type { SubmitTask } from '../../src/contract/task-dto.ts';
import type { Ground } from '../bench/ground.ts';
import { BARE_QUEUE } from '../bench/programs.ts';
import { watchTaskEnds, type TaskEnds } from '../bench/task-ends.ts';
import { openRunStarts, type RunStarts } from './run-starts.ts';

/** What all series of a load run use. */
export interface Stage {
  readonly ground: Ground;
  readonly ends: TaskEnds;
  readonly starts: RunStarts;
  readonly say: (line: string) => void;
  /** Milliseconds since the epoch, finer than `Date.now()`. */
  nowMs(): number;
  /** One workflow with one activity that does nothing, and its result. */
  bare(): Promise<void>;
  submit(body: Partial<SubmitTask>): Promise<Submitted>;
  close(): Promise<void>;
}

export interface Submitted {
  readonly taskId: string;
  readonly seq: number;
  /** When the client began to submit, and when it had the answer. */
  readonly submittedAtMs: number;
  readonly acceptedAtMs: number;
}

export async function openStage(ground: Ground, say: (line: string) => void): Promise<Stage> {
  const ends = await watchTaskEnds(ground.db);
  const nowMs = (): number => performance.timeOrigin + performance.now();
  let bareRuns = 0;
  return {
    ground,
    ends,
    starts: openRunStarts(ground),
    say,
    nowMs,
    async bare() {
      bareRuns += 1;
      const handle = await ground.temporal.client.workflow.start('bareWorkflow', {
        workflowId: `load/${process.pid}/${bareRuns}`,
        taskQueue: BARE_QUEUE,
      });
      await handle.result();
    },
    async submit(body) {
      const submittedAtMs = nowMs();
      const { task } = await ground.api.tasks.submit({
        body: { prompt: 'load [[say:done]]', ...body },
      });
      return { taskId: task.id, seq: task.seq, submittedAtMs, acceptedAtMs: nowMs() };
    },
    close: () => ends.close(),
  };
}

/** The end of a task; throws when it is not the good one. */
export async function completed(stage: Stage, taskId: string): Promise<void> {
  const end = await stage.ends.of(taskId);
  if (end !== 'task.completed') throw new Error(`task ${taskId} ended as ${end}`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

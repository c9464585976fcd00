import { ApplicationFailure } from '@temporalio/common';
import type { SubmissionActivities } from '../../activities/submission/submission.ts';
import { CONTROL_QUEUE } from '../../src/domain/names.ts';
import type { SubmissionStanding } from '../../src/domain/submission.ts';
import type { TerminalState } from '../../src/domain/task.ts';
import { createGate, type Scenario } from './scenario.ts';

function taskEnded(state: TerminalState): Extract<SubmissionStanding, { kind: 'task' }> {
  const completed = state === 'completed';
  const reasons = { dead: 'attempts', expired: 'expired', cancelled: 'cancelled' } as const;
  return {
    kind: 'task',
    taskId: 'task-1',
    state,
    output: completed ? 'the answer' : null,
    outputOmitted: false,
    usage: null,
    failure:
      state === 'completed'
        ? null
        : { reason: reasons[state], message: 'played', lastFailure: null },
  };
}

interface Played {
  readonly activities?: Partial<SubmissionActivities>;
  readonly drive?: Scenario['drive'];
}

function scenario(path: string, standing: SubmissionStanding, played: Played = {}): Scenario {
  const activities: SubmissionActivities = {
    acceptSubmission: async () => ({ kind: 'task', taskId: 'task-1' }),
    cancelSubmission: async () => undefined,
    submissionStanding: async () => standing,
    ...played.activities,
  };
  return {
    name: `submission-${path}`,
    workflow: 'submissionWorkflow',
    workflowId: `submission-${path}`,
    args: [{ task: { prompt: 'played' } }],
    workers: { [CONTROL_QUEUE]: activities },
    drive: played.drive ?? (async (handle) => handle.signal('ended')),
  };
}

/** Told before the work has ended: it looks, and waits on. */
function early(): Scenario {
  const looked = createGate();
  let looks = 0;
  return scenario('early', taskEnded('completed'), {
    activities: {
      submissionStanding: async () => {
        looks += 1;
        looked.open();
        return looks === 1 ? { kind: 'open' } : taskEnded('completed');
      },
    },
    drive: async (handle) => {
      await handle.signal('ended');
      await looked.opened;
      await handle.signal('ended');
    },
  });
}

function cancelled(): Scenario {
  const accepted = createGate();
  return scenario('cancelled', taskEnded('cancelled'), {
    activities: {
      acceptSubmission: async () => {
        accepted.open();
        return { kind: 'task', taskId: 'task-1' };
      },
    },
    drive: async (handle) => {
      await accepted.opened;
      await handle.cancel();
    },
  });
}

/** Cancelled while a bound keeps it from being accepted. */
function withdrawn(): Scenario {
  const asked = createGate();
  return scenario(
    'withdrawn',
    { kind: 'none', refusal: 'cancelled before it was accepted' },
    {
      activities: {
        acceptSubmission: async () => {
          asked.open();
          throw new Error('a bound is reached');
        },
      },
      drive: async (handle) => {
        await asked.opened;
        await handle.cancel();
      },
    },
  );
}

function invalid(): Scenario {
  return scenario(
    'invalid',
    { kind: 'open' },
    {
      activities: {
        acceptSubmission: async () => {
          throw ApplicationFailure.nonRetryable('played', 'InvalidSubmission');
        },
      },
      drive: async () => undefined,
    },
  );
}

function swarm(): Scenario {
  return scenario(
    'swarm-failed',
    { kind: 'swarm', swarmId: 'swarm-1', state: 'failed', reason: '"b" failed' },
    { activities: { acceptSubmission: async () => ({ kind: 'swarm', swarmId: 'swarm-1' }) } },
  );
}

/** Started by a Schedule of Temporal, for a time. */
function scheduled(): Scenario {
  return {
    ...scenario('scheduled', { ...taskEnded('completed'), outputOmitted: true, output: null }),
    args: [{ schedule: { id: 'schedule-1', revision: 1 } }],
    scheduledFor: new Date('2030-01-01T00:00:00.000Z'),
  };
}

/** Its time came while its schedule was paused. */
function unadmitted(): Scenario {
  const refusal = { kind: 'none', refusal: 'the schedule is paused' } as const;
  return {
    ...scenario('unadmitted', refusal, {
      activities: { acceptSubmission: async () => refusal },
      drive: async () => undefined,
    }),
    args: [{ schedule: { id: 'schedule-1', revision: 1 } }],
    scheduledFor: new Date('2030-01-01T00:00:00.000Z'),
  };
}

export function submissionScenarios(): readonly Scenario[] {
  return [
    scenario('completed', taskEnded('completed')),
    scenario('dead', taskEnded('dead')),
    early(),
    cancelled(),
    withdrawn(),
    invalid(),
    swarm(),
    scheduled(),
    unadmitted(),
  ];
}

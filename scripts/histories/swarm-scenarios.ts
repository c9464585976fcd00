import type { SwarmActivities } from '../../activities/swarm.ts';
import { CONTROL_QUEUE, swarmWorkflowId } from '../../src/domain/names.ts';
import type { SwarmEnd } from '../../src/domain/swarm-plan.ts';
import type { SwarmRound } from '../../src/domain/swarm-round.ts';
import { createGate, inOrder, type Scenario } from './scenario.ts';

const open: Extract<SwarmRound, { kind: 'open' }> = {
  kind: 'open',
  state: 'running',
  maxParallel: 2,
  cancelRequested: false,
  progress: { waiting: 3, admitted: 2, completed: 1, failed: 0, skipped: 0 },
  againAfterMs: null,
};

function ended(state: SwarmEnd, reason: string | null = null): SwarmRound {
  return { kind: 'ended', state, reason };
}

function scenario(
  path: string,
  runSwarmRound: SwarmActivities['runSwarmRound'],
  drive?: Scenario['drive'],
): Scenario {
  const activities: SwarmActivities = {
    runSwarmRound,
    recordSwarmCommand: async () => ({ kind: 'recorded', state: 'running', maxParallel: 2 }),
  };
  return {
    name: `swarm-${path}`,
    workflow: 'swarmWorkflow',
    workflowId: swarmWorkflowId(path),
    args: [{ swarmId: path }],
    workers: { [CONTROL_QUEUE]: activities },
    ...(drive === undefined ? {} : { drive }),
  };
}

const operator = { actor: 'operator' };

/** Rounds that stay open until something asks for the end. */
function untilAsked(end: SwarmRound): { round: () => Promise<SwarmRound>; ask: () => void } {
  let asked = false;
  return {
    round: async () => (asked ? end : open),
    ask: () => {
      asked = true;
    },
  };
}

function operators(): Scenario {
  const swarm = untilAsked(ended('cancelled', 'cancelled on request'));
  return scenario('operators', swarm.round, async (handle) => {
    await handle.executeUpdate('pause', { args: [operator] });
    await handle.executeUpdate('resume', { args: [operator] });
    await handle.executeUpdate('scale', { args: [{ ...operator, maxParallel: 5 }] });
    swarm.ask();
    await handle.executeUpdate('cancel', { args: [operator] });
  });
}

function temporalCancel(): Scenario {
  const swarm = untilAsked(ended('cancelled', 'cancelled on request'));
  return scenario('temporal-cancel', swarm.round, async (handle) => {
    await handle.executeUpdate('pause', { args: [operator] });
    swarm.ask();
    await handle.cancel();
  });
}

function newsDuringARound(): Scenario {
  const began = createGate();
  const told = createGate();
  const answers = inOrder<SwarmRound>(open, ended('completed'));
  const round = async (): Promise<SwarmRound> => {
    began.open();
    await told.opened;
    return answers();
  };
  return scenario('news', round, async (handle) => {
    await began.opened;
    await handle.signal('news');
    told.open();
  });
}

/** Long enough for the swarm to go on in a new run; the history is that of the first. */
function continued(): Scenario {
  const swarm = untilAsked(ended('completed'));
  return scenario('continued', swarm.round, async (handle, client) => {
    const latest = client.workflow.getHandle(handle.workflowId);
    for (let batch = 0; batch < 100; batch += 1) {
      await Promise.all(Array.from({ length: 50 }, () => latest.signal('news')));
      await latest.executeUpdate('scale', { args: [{ ...operator, maxParallel: 5 }] });
      if ((await latest.describe()).runId !== handle.firstExecutionRunId) break;
    }
    swarm.ask();
    await latest.signal('news');
    await latest.result();
  });
}

export function swarmScenarios(): readonly Scenario[] {
  const again: SwarmRound = { ...open, againAfterMs: 0 };
  const later: SwarmRound = { ...open, againAfterMs: 500 };
  return [
    scenario('completed', inOrder(again, again, ended('completed'))),
    scenario('failed', inOrder(again, ended('failed', '"b" failed'))),
    scenario('bound', inOrder(later, later, ended('completed'))),
    newsDuringARound(),
    operators(),
    temporalCancel(),
    continued(),
  ];
}

import type { MaintenanceActivities } from '../../activities/maintenance/maintenance.ts';
import type { ReconcileAnswer } from '../../src/domain/maintenance.ts';
import { CONTROL_QUEUE, gatewayControlQueue } from '../../src/domain/names.ts';
import type { Scenario } from './scenario.ts';

const nothing: ReconcileAnswer = { found: 0, repaired: 0, next: null };

function scenario(
  path: string,
  over: Partial<MaintenanceActivities>,
  owners: Scenario['workers'] = {},
): Scenario {
  const activities: MaintenanceActivities = {
    reconcilePage: async () => nothing,
    gatewaysToAsk: async () => [],
    compareWithRows: async () => ({ found: 0, suspects: [] }),
    ...over,
  };
  return {
    name: `maintenance-${path}`,
    workflow: 'maintenanceWorkflow',
    workflowId: `maintenance-${path}`,
    args: [],
    workers: { [CONTROL_QUEUE]: activities, ...owners },
  };
}

export function maintenanceScenarios(): readonly Scenario[] {
  return [
    scenario('clean', {}),
    scenario(
      'findings',
      {
        reconcilePage: async ({ kind, after }) =>
          kind === 'swarm-unread'
            ? { found: 2, repaired: 2, next: after === null ? 'swarm-1' : null }
            : nothing,
        gatewaysToAsk: async () => ['g1', 'g2'],
        compareWithRows: async ({ gatewayId }) => ({ found: 0, suspects: [`${gatewayId} idle a`] }),
      },
      // g2 has no owner: nobody takes the question up.
      { [gatewayControlQueue('g1')]: { reportExecuting: async () => [] } },
    ),
    scenario('incomplete', {
      reconcilePage: async ({ kind }) => {
        if (kind === 'owner-gone') throw new Error('the database does not answer');
        return nothing;
      },
    }),
  ];
}

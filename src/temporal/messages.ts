import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { GatewayMessage } from '../domain/gateway.ts';
import {
  SWARM_SIGNALS,
  SWARM_UPDATES,
  TASK_SIGNALS,
  type DecideSignal,
  type GatewayCommand,
  type GatewayCommandResult,
  type GatewayWorkflowInput,
  type SwarmWorkflowInput,
} from '../domain/messages.ts';
import { CONTROL_QUEUE, gatewayWorkflowId, swarmWorkflowId } from '../domain/names.ts';

/**
 * What the api and the control worker say to workflows. Signals only hasten what a row already says, so a message
 * to a workflow that has ended is not an error; updates carry an answer and fail when nobody can give it.
 */
export interface WorkflowMessages {
  /** Starts the swarm's workflow; one that exists already is left alone. */
  startSwarm(swarmId: string): Promise<void>;
  /** Starts the gateway's entity unless it runs. */
  ensureGateway(gatewayId: string): Promise<void>;
  signalTaskCancel(workflowId: string): Promise<void>;
  signalTaskDecide(workflowId: string, decision: DecideSignal): Promise<void>;
  signalSwarmNews(swarmId: string): Promise<void>;
  updateGateway(
    gatewayId: string,
    message: GatewayMessage,
    command: GatewayCommand,
  ): Promise<GatewayCommandResult>;
  updateSwarm(
    swarmId: string,
    update: keyof typeof SWARM_UPDATES,
    args: { readonly actor: string; readonly maxParallel?: number },
  ): Promise<unknown>;
  /** `ok`, or why Temporal does not answer. */
  check(): Promise<string>;
}

export function createWorkflowMessages(options: {
  readonly client: Client;
  /** Bound of each call, milliseconds. */
  readonly timeoutMs: number;
}): WorkflowMessages {
  const { client, timeoutMs } = options;
  const bounded = <T>(call: () => Promise<T>): Promise<T> =>
    client.withDeadline(Date.now() + timeoutMs, call);

  async function signal(workflowId: string, name: string, ...args: unknown[]): Promise<void> {
    try {
      await bounded(() => client.workflow.getHandle(workflowId).signal(name, ...args));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  return {
    startSwarm: (swarmId) =>
      bounded(async () => {
        await client.workflow.start('swarmWorkflow', {
          workflowId: swarmWorkflowId(swarmId),
          taskQueue: CONTROL_QUEUE,
          args: [{ swarmId } satisfies SwarmWorkflowInput],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `Swarm ${swarmId}`,
        });
      }),
    ensureGateway: (gatewayId) =>
      bounded(async () => {
        await client.workflow.start('gatewayWorkflow', {
          workflowId: gatewayWorkflowId(gatewayId),
          taskQueue: CONTROL_QUEUE,
          args: [{ gatewayId } satisfies GatewayWorkflowInput],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `Gateway ${gatewayId}`,
        });
      }),
    signalTaskCancel: (workflowId) => signal(workflowId, TASK_SIGNALS.cancel),
    signalTaskDecide: (workflowId, decision) => signal(workflowId, TASK_SIGNALS.decide, decision),
    signalSwarmNews: (swarmId) => signal(swarmWorkflowId(swarmId), SWARM_SIGNALS.news),
    updateGateway: (gatewayId, message, command) =>
      bounded(() =>
        client.workflow
          .getHandle(gatewayWorkflowId(gatewayId))
          .executeUpdate<GatewayCommandResult, [GatewayCommand]>(message, { args: [command] }),
      ),
    updateSwarm: (swarmId, update, args) =>
      bounded(() =>
        client.workflow
          .getHandle(swarmWorkflowId(swarmId))
          .executeUpdate(SWARM_UPDATES[update], { args: [args] }),
      ),
    check: async () => {
      try {
        await bounded(() => client.workflowService.getSystemInfo({}));
        return 'ok';
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

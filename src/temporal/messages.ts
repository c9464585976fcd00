import { isGrpcServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { GatewayMessage } from '../domain/gateway.ts';
import { MAINTENANCE_SCHEDULE_ID } from '../domain/maintenance.ts';
import {
  CHAIN_UPDATES,
  SUBMISSION_SIGNALS,
  SWARM_SIGNALS,
  SWARM_UPDATES,
  TASK_SIGNALS,
  type BulkWorkflowInput,
  type ChainWorkflowInput,
  type DecideSignal,
  type GatewayCommand,
  type GatewayCommandResult,
  type GatewayWorkflowInput,
  type SwarmWorkflowInput,
  type HealOrder,
  type HealResult,
  type VerifyResult,
} from '../domain/messages.ts';
import { TAKEN_WITHIN_MS, type TemporalCheck } from '../domain/why-temporal.ts';
import { createScheduleMirror, type ScheduleMirror } from './schedule-mirror.ts';
import {
  CONTROL_QUEUE,
  bulkWorkflowId,
  chainWorkflowId,
  gatewayWorkflowId,
  swarmWorkflowId,
} from '../domain/names.ts';

/**
 * What the api and the control worker say to workflows. Signals only hasten what a row already says, so a message
 * to a workflow that has ended is not an error; updates carry an answer and fail when nobody can give it.
 */
export interface WorkflowMessages {
  /** Starts the swarm's workflow; one that exists already is left alone. */
  startSwarm(swarmId: string): Promise<void>;
  /** Starts the workflow of a bulk operation; one that runs is left alone. */
  startBulk(bulkId: string): Promise<void>;
  /** Starts the gateway's entity unless it runs. */
  ensureGateway(gatewayId: string): Promise<void>;
  /** Starts the entity of the gateway's dashboard chain unless it runs. */
  ensureChain(gatewayId: string): Promise<void>;
  /** Mends what is broken; takes minutes. */
  healChain(gatewayId: string, order: HealOrder): Promise<HealResult>;
  /** One look at the chain, read-only; takes up to a minute. */
  verifyChain(gatewayId: string): Promise<VerifyResult>;
  signalTaskCancel(workflowId: string): Promise<void>;
  signalTaskDecide(workflowId: string, decision: DecideSignal): Promise<void>;
  signalSwarmNews(swarmId: string): Promise<void>;
  /** Tells one run of a submission that its work has ended. What names no run at all is nobody to tell. */
  signalSubmissionEnded(run: {
    readonly workflowId: string;
    readonly runId: string;
  }): Promise<void>;
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
  readonly schedules: ScheduleMirror;
  /** `ok`, or why Temporal does not answer. */
  check(): Promise<string>;
  /** The same, and whether the workflows get on, as far as Temporal tells within half a second. Never rejects. */
  checkWorkflows(): Promise<TemporalCheck>;
  /** Has a round of maintenance begun now, unless one is under way. */
  runMaintenance(): Promise<void>;
}

export function createWorkflowMessages(options: WorkflowMessageOptions): WorkflowMessages {
  return new BoundedMessages(options);
}

export interface WorkflowMessageOptions {
  readonly client: Client;
  /** Bound of each call, milliseconds. */
  readonly timeoutMs: number;
}

const COUNT_WITHIN_MS = 500;
/** A look holds an idle socket for 12 s, and may wait ten for somebody who looks. */
const VERIFY_WITHIN_MS = 60_000;
/** Shorter than clients wait for the head of an answer. */
const HEAL_WITHIN_MS = 280_000;
/** temporal.api.enums.v1.TaskQueueType */
const WORKFLOW_QUEUE = 1;

/** What stands in the queue of the workflows, as Temporal has counted it within the last seconds. */
async function checkWorkflowTasks({
  workflowService,
  options: { namespace },
}: Client): Promise<TemporalCheck> {
  const { stats } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: CONTROL_QUEUE },
    taskQueueType: WORKFLOW_QUEUE,
    reportStats: true,
  });
  const age = stats?.approximateBacklogAge;
  const oldestMs = Math.round(Number(age?.seconds ?? 0) * 1_000 + (age?.nanos ?? 0) / 1e6);
  if (oldestMs < TAKEN_WITHIN_MS) return { kind: 'ok' };
  return { kind: 'behind', waiting: Number(stats?.approximateBacklogCount ?? 0), oldestMs };
}

/** gRPC */
const INVALID_ARGUMENT = 3;

class BoundedMessages implements WorkflowMessages {
  readonly #client: Client;
  readonly #timeoutMs: number;
  readonly schedules: ScheduleMirror;

  constructor({ client, timeoutMs }: WorkflowMessageOptions) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.schedules = createScheduleMirror({ client, timeoutMs });
  }

  startSwarm(swarmId: string): Promise<void> {
    const input: SwarmWorkflowInput = { swarmId };
    return this.#start('swarmWorkflow', swarmWorkflowId(swarmId), input, `Swarm ${swarmId}`);
  }

  startBulk(bulkId: string): Promise<void> {
    const input: BulkWorkflowInput = { bulkId };
    return this.#start(
      'bulkWorkflow',
      bulkWorkflowId(bulkId),
      input,
      `Dead letters in bulk ${bulkId}`,
    );
  }

  ensureGateway(gatewayId: string): Promise<void> {
    const input: GatewayWorkflowInput = { gatewayId };
    const workflowId = gatewayWorkflowId(gatewayId);
    return this.#start('gatewayWorkflow', workflowId, input, `Gateway ${gatewayId}`);
  }

  ensureChain(gatewayId: string): Promise<void> {
    const input: ChainWorkflowInput = { gatewayId };
    const workflowId = chainWorkflowId(gatewayId);
    return this.#start('dashboardChainWorkflow', workflowId, input, `Dashboard of ${gatewayId}`);
  }

  healChain(gatewayId: string, order: HealOrder): Promise<HealResult> {
    const handle = this.#client.workflow.getHandle(chainWorkflowId(gatewayId));
    return this.#client.withDeadline(Date.now() + HEAL_WITHIN_MS, () =>
      handle.executeUpdate<HealResult, [HealOrder]>(CHAIN_UPDATES.heal, { args: [order] }),
    );
  }

  verifyChain(gatewayId: string): Promise<VerifyResult> {
    const handle = this.#client.workflow.getHandle(chainWorkflowId(gatewayId));
    return this.#client.withDeadline(Date.now() + VERIFY_WITHIN_MS, () =>
      handle.executeUpdate<VerifyResult, []>(CHAIN_UPDATES.verify),
    );
  }

  signalTaskCancel(workflowId: string): Promise<void> {
    return this.#signal(workflowId, TASK_SIGNALS.cancel);
  }

  signalTaskDecide(workflowId: string, decision: DecideSignal): Promise<void> {
    return this.#signal(workflowId, TASK_SIGNALS.decide, decision);
  }

  signalSwarmNews(swarmId: string): Promise<void> {
    return this.#signal(swarmWorkflowId(swarmId), SWARM_SIGNALS.news);
  }

  async signalSubmissionEnded(run: {
    readonly workflowId: string;
    readonly runId: string;
  }): Promise<void> {
    const handle = this.#client.workflow.getHandle(run.workflowId, run.runId);
    try {
      await this.#send(() => handle.signal(SUBMISSION_SIGNALS.ended));
    } catch (error) {
      const cause = error instanceof Error ? error.cause : null;
      if (!isGrpcServiceError(cause) || Number(cause.code) !== INVALID_ARGUMENT) throw error;
    }
  }

  updateGateway(
    gatewayId: string,
    message: GatewayMessage,
    command: GatewayCommand,
  ): Promise<GatewayCommandResult> {
    const handle = this.#client.workflow.getHandle(gatewayWorkflowId(gatewayId));
    return this.#bounded(() =>
      handle.executeUpdate<GatewayCommandResult, [GatewayCommand]>(message, { args: [command] }),
    );
  }

  updateSwarm(
    swarmId: string,
    update: keyof typeof SWARM_UPDATES,
    args: { readonly actor: string; readonly maxParallel?: number },
  ): Promise<unknown> {
    const handle = this.#client.workflow.getHandle(swarmWorkflowId(swarmId));
    return this.#bounded(() => handle.executeUpdate(SWARM_UPDATES[update], { args: [args] }));
  }

  runMaintenance(): Promise<void> {
    return this.#bounded(async () => {
      const schedule = this.#client.schedule.getHandle(MAINTENANCE_SCHEDULE_ID);
      await schedule.trigger();
    });
  }

  async check(): Promise<string> {
    try {
      await this.#bounded(() => this.#client.workflowService.getSystemInfo({}));
      return 'ok';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async checkWorkflows(): Promise<TemporalCheck> {
    // A server that is too busy to count its queues is there all the same.
    const counted = this.#client
      .withDeadline(Date.now() + COUNT_WITHIN_MS, () => checkWorkflowTasks(this.#client))
      .catch((): TemporalCheck => ({ kind: 'ok' }));
    const [answer, workflows] = await Promise.all([this.check(), counted]);
    return answer === 'ok' ? workflows : { kind: 'unreachable', detail: answer };
  }

  /** One that runs is left alone; one that has ended may be started anew: rows say whether there is work. */
  #start(type: string, workflowId: string, input: object, staticSummary: string): Promise<void> {
    return this.#bounded(async () => {
      await this.#client.workflow.start(type, {
        workflowId,
        taskQueue: CONTROL_QUEUE,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        staticSummary,
      });
    });
  }

  #signal(workflowId: string, name: string, ...args: unknown[]): Promise<void> {
    const handle = this.#client.workflow.getHandle(workflowId);
    return this.#send(() => handle.signal(name, ...args));
  }

  /** A workflow that has ended needs to hear nothing more. */
  async #send(signal: () => Promise<void>): Promise<void> {
    try {
      await this.#bounded(signal);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  #bounded<T>(call: () => Promise<T>): Promise<T> {
    return this.#client.withDeadline(Date.now() + this.#timeoutMs, call);
  }
}

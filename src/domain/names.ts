/**
 * Every name that Dash gives to something outside its own rows, made in one place: OpenClaw session keys and
 * run ids, Temporal workflow ids and task queues. All are derived from row ids, never from clock or chance,
 * so that a repeated step meets its own earlier trace.
 */

/** The OpenClaw session of a task without a session of its own, or of all tasks of one session. */
export function gatewaySessionKey(input: {
  readonly agentId: string;
  readonly installation: string;
  readonly taskId: string;
  readonly session: { readonly tenant: string; readonly key: string } | null;
}): string {
  const base = `agent:${input.agentId}:dash-${input.installation}`;
  return input.session === null
    ? `${base}:t:${input.taskId}`
    : `${base}:s:${input.session.tenant}:${input.session.key}`;
}

/** The session whose id names the gateway's state directory (`stateId`); never gets a message. */
export function stateSentinelKey(installation: string): string {
  return `agent:main:dash-${installation}:state`;
}

/** The run id of an attempt's first send (`resend` 0) and of each later one. */
export function runIdOf(taskId: string, attemptNumber: number, resend: number): string {
  const base = `${taskId}-a${attemptNumber}`;
  return resend === 0 ? base : `${base}r${resend}`;
}

/** Workflow id of a task; `generation` > 0 after a person terminated an earlier one (P17). */
export function taskWorkflowId(taskId: string, generation = 0): string {
  return generation === 0 ? `task/${taskId}` : `task/${taskId}/r${generation}`;
}

export function swarmWorkflowId(swarmId: string): string {
  return `swarm/${swarmId}`;
}

export function bulkWorkflowId(bulkId: string): string {
  return `bulk/${bulkId}`;
}

export function gatewayWorkflowId(gatewayId: string): string {
  return `gateway/${gatewayId}`;
}

export function chainWorkflowId(gatewayId: string): string {
  return `chain/${gatewayId}`;
}

/** Workflow tasks and activities that touch only PostgreSQL and Temporal. */
export const CONTROL_QUEUE = 'control';

/** Holds of adopted gateways: any host may take one. */
export const HOSTS_QUEUE = 'hosts';

/** First holds of managed gateways: any host that runs gateway processes may take one, and keeps it. */
export const MANAGED_HOSTS_QUEUE = 'hosts.managed';

/** Holds that must run on one host: managed gateways that have a process there, and the same-host wait of P32. */
export function hostQueue(hostId: string): string {
  return `host.${hostId}`;
}

/** Runs of one gateway: polled only by its owner. */
export function gatewayQueue(gatewayId: string): string {
  return `gateway.${gatewayId}`;
}

/** Short operations on one gateway (drain, restart, probe, abort): polled only by its owner. */
export function gatewayControlQueue(gatewayId: string): string {
  return `gateway.${gatewayId}.control`;
}

/** Search attributes, registered where Dash starts Temporal; set at workflow start only. */
export const SEARCH_ATTRIBUTES = ['DashTenant', 'DashSwarm', 'DashGateway'] as const;

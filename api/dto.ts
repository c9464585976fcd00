import { assertNever } from '../src/domain/assert-never.ts';
import type { Decision } from '../src/domain/attempt.ts';
import { acceptedMessages } from '../src/domain/gateway.ts';
import { priorityName } from '../src/domain/task.ts';
import type { BudgetDto } from '../src/contract/budgets.ts';
import type { Event } from '../src/contract/event-dto.ts';
import type { Gateway } from '../src/contract/gateways.ts';
import type { Pool } from '../src/contract/pools.ts';
import type { Session } from '../src/contract/sessions.ts';
import type { Swarm, SwarmNode } from '../src/contract/swarms.ts';
import type { Attempt, Task, TaskSummary } from '../src/contract/task-dto.ts';
import type { Tenant } from '../src/contract/tenants.ts';
import type { AttemptRow } from '../src/db/attempt-record.ts';
import type { BudgetRecord } from '../src/db/budget-store.ts';
import type { EventRecord } from '../src/db/event-store.ts';
import type { GatewayRecord } from '../src/db/gateway-record.ts';
import type { PoolRecord } from '../src/db/pool-store.ts';
import type { SessionRecord } from '../src/db/session-store.ts';
import type { SwarmNodeRecord, SwarmRecord } from '../src/db/swarm-store.ts';
import type { TenantRecord } from '../src/db/tenant-store.ts';
import type { TaskRecord, TaskSummary as TaskSummaryRow } from '../src/db/task-record.ts';

/** Rows as the API shows them. Every property is named here, so that a new column never leaves by accident. */

export function taskSummaryDto(row: TaskSummaryRow): TaskSummary {
  return {
    id: row.id,
    seq: row.seq,
    tenant: row.tenant,
    pool: row.pool,
    requirements: row.requirements,
    session: row.sessionKey,
    agent: row.agent,
    priority: priorityName(row.priority),
    raisedPriority: row.raisedPriority === null ? null : priorityName(row.raisedPriority),
    effectivePriority: priorityName(row.effectivePriority),
    state: row.state,
    stateReason: row.stateReason,
    dueAt: row.dueAt,
    queueExpiresAt: row.queueExpiresAt,
    deadlineAt: row.deadlineAt,
    runLimitSeconds: row.runLimitSeconds,
    maxAttempts: row.maxAttempts,
    attempts: row.lastAttempt,
    idempotent: row.idempotent,
    pinnedGateway: row.pinnedGatewayId,
    swarmId: row.swarmId,
    nodeId: row.nodeId,
    replayOf: row.replayOf,
    approvalId: row.approvalId,
    scheduleId: row.scheduleId,
    workflowId: row.workflowId,
    cancelRequested: row.cancelRequested,
    correlationId: row.correlationId,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    finishedAt: row.finishedAt,
    budget: row.budget === null ? null : { ...row.budget },
    spent: { ...row.spent },
    blockedOn: row.blockedOn,
  };
}

export function taskDto(row: TaskRecord): Task {
  return {
    ...taskSummaryDto(row),
    prompt: row.prompt,
    output: row.output,
    usage: row.usage,
    failure: row.failure,
  };
}

export function attemptDto(row: AttemptRow): Attempt {
  return {
    id: row.attemptId,
    number: row.number,
    gatewayId: row.gatewayId,
    state: row.state,
    holdsLane: row.holdsLane,
    runIds: [...row.runIds],
    recoveryRunIds: [...row.recoveryRunIds],
    outcome: row.outcome,
    failure: row.failure,
    indeterminateReason: row.indeterminateReason,
    evidence: row.evidence ?? null,
    usage: row.usage,
    limit: { ...row.limit },
    route: row.route ?? null,
    plannedAt: row.plannedAt,
    sendingAt: row.sendingAt,
    acceptedAt: row.acceptedAt,
    indeterminateAt: row.indeterminateAt,
    closedAt: row.closedAt,
    releaseReason: row.releaseReason,
    decision:
      row.decision === null
        ? null
        : { decision: row.decision.decision.kind, actor: row.decision.actor, at: row.decision.at },
  };
}

export function eventDto(row: EventRecord): Event {
  return {
    seq: row.seq,
    at: row.at,
    type: row.type,
    tenant: row.tenant,
    taskId: row.taskId,
    attemptId: row.attemptId,
    swarmId: row.swarmId,
    session: row.sessionKey,
    gatewayId: row.gatewayId,
    correlationId: row.correlationId,
    actor: row.actor,
    data: { ...row.data },
  };
}

export function sessionDto(row: SessionRecord): Session {
  return {
    key: row.key,
    tenant: row.tenant,
    gatewayId: row.gatewayId,
    openTasks: row.openTasks,
    deadInARow: row.deadInARow,
    quarantine: row.quarantine === null ? null : { ...row.quarantine },
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

export function swarmDto(row: SwarmRecord): Swarm {
  return {
    id: row.id,
    seq: row.seq,
    tenant: row.tenant,
    name: row.name,
    state: row.state,
    stateReason: row.stateReason,
    onFailure: row.onFailure,
    maxParallel: row.maxParallel,
    cancelRequested: row.cancelRequested,
    scheduleId: row.scheduleId,
    nodeCounts: { ...row.nodeCounts },
    workflowId: row.workflowId,
    correlationId: row.correlationId,
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
    budget: row.budget === null ? null : budgetDto(row.budget),
  };
}

export function swarmNodeDto(row: SwarmNodeRecord): SwarmNode {
  return {
    id: row.nodeId,
    kind: row.kind,
    dependsOn: [...row.dependsOn],
    state: row.state,
    taskId: row.taskId,
    approvalId: row.approvalId,
    taskState: row.taskState,
    taskFailure: row.taskFailure,
    reason: row.reason,
  };
}

export function budgetDto(row: BudgetRecord): BudgetDto {
  return {
    name: row.name,
    scope: row.scope,
    tenant: row.tenant,
    limit: { ...row.limit },
    spent: { ...row.spent },
    reserved: { ...row.reserved },
    remaining: { ...row.remaining },
    usedPercent: row.usedPercent,
    period: row.period,
    periodStartedAt: row.periodStartedAt,
    periodEndsAt: row.periodEndsAt,
    blockedTasks: row.blockedTasks,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

export function gatewayDto(row: GatewayRecord): Gateway {
  return {
    id: row.id,
    kind: row.kind,
    endpoint: row.endpoint,
    labels: { ...row.labels },
    region: row.region,
    capabilities: [...row.capabilities],
    allowedTenants: listOrNull(row.allowedTenants),
    lanes: { ...row.lanes },
    costWeight: row.costWeight,
    health: {
      verdict: row.health?.verdict ?? 'healthy',
      reasons: [...(row.health?.reasons ?? [])],
      since: row.healthSince,
      errorRate: row.recent.errorRate,
      latencyMs: row.recent.acceptMs,
      runMs: row.recent.runMs,
    },
    pools: [...row.pools],
    state: row.state,
    failure: row.failure,
    stateReason: row.stateReason,
    hint: row.hint,
    desiredState: row.desiredState,
    accepts: [...acceptedMessages(row.state)],
    claimsOpen: row.claimsOpen,
    ownerHost: row.ownerHost,
    ownerEpoch: row.ownerEpoch,
    version: row.version,
    protocol: row.protocol,
    bootId: row.bootId,
    lastSeenAt: row.lastSeenAt,
    stateChangedAt: row.stateChangedAt,
    createdAt: row.createdAt,
  };
}

export function poolDto(row: PoolRecord): Pool {
  return {
    id: row.id,
    matchLabels: { ...row.matchLabels },
    matchRegions: listOrNull(row.matchRegions),
    matchCapabilities: [...row.matchCapabilities],
    allowedTenants: listOrNull(row.allowedTenants),
    gateways: row.gateways,
    createdAt: row.createdAt,
  };
}

export function tenantDto(row: TenantRecord): Tenant {
  return {
    id: row.id,
    weight: row.weight,
    maxOpenTasks: row.maxOpenTasks,
    maxRunning: row.maxRunning,
    openTasks: row.openTasks,
    running: row.running,
    createdAt: row.createdAt,
  };
}

function listOrNull(list: readonly string[] | null): string[] | null {
  return list === null ? null : [...list];
}

/** A decision in words, for messages. */
export function decisionWord(decision: Decision): string {
  switch (decision.kind) {
    case 'accept':
      return 'to accept its answer';
    case 'retry':
      return 'to retry it';
    case 'discard':
      return 'to discard it';
    default:
      return assertNever(decision);
  }
}

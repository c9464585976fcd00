import type { z } from 'zod';
import type { submitTask } from '../contract/task-dto.ts';
import type { Idempotency, NewTask } from '../db/accept.ts';
import type { NewSwarm } from '../db/swarm-store.ts';
import { approvalGateOf } from '../domain/approval-schema.ts';
import { budgetOf } from '../domain/budget-schema.ts';
import { TASK_DEFAULTS } from '../domain/task-defaults.ts';
import { PRIORITIES } from '../domain/task.ts';
import type { SwarmSpecResult } from '../domain/swarm-spec.ts';
import { newId } from '../platform/ids.ts';

/** What does not stand in the request itself. */
export interface Admission {
  readonly tenant: string;
  readonly correlationId: string;
  readonly idempotency: Idempotency | null;
  /** Who asked, for the event; null: Dash itself. */
  readonly actor: string | null;
}

/**
 * A task as it is accepted, out of a request that fits its schema, under a new id. One way for everybody who submits
 * work: the API, workflows of others, schedules.
 */
export function newTaskOf(request: z.output<typeof submitTask>, admission: Admission): NewTask {
  return {
    id: newId('task'),
    tenant: admission.tenant,
    pool: request.requirements === undefined ? (request.pool ?? TASK_DEFAULTS.pool) : null,
    requirements: request.requirements ?? null,
    sessionKey: request.session ?? null,
    agent: request.agent,
    prompt: request.prompt,
    priority: PRIORITIES[request.priority],
    notBefore: utc(request.notBefore),
    queueLimitSeconds: request.queueLimitSeconds ?? null,
    deadlineAt: utc(request.deadline),
    runLimitSeconds: request.runLimitSeconds,
    maxAttempts: request.maxAttempts,
    idempotent: request.idempotent,
    approval:
      request.approval === undefined
        ? null
        : approvalGateOf(request.approval, request.approval.prompt ?? null),
    budget: budgetOf(request.budget),
    correlationId: admission.correlationId,
    idempotency: admission.idempotency,
    actor: admission.actor,
  };
}

/** A swarm as it is accepted, out of a specification that was checked and expanded; `written` is kept as it is. */
export function newSwarmOf(
  { spec, nodes }: Extract<SwarmSpecResult, { kind: 'valid' }>,
  written: unknown,
  admission: Admission,
): NewSwarm {
  return {
    id: newId('swarm'),
    tenant: admission.tenant,
    name: spec.name,
    spec: written,
    onFailure: spec.onFailure,
    maxParallel: spec.maxParallel,
    budget: budgetOf(spec.budget),
    nodes: nodes.map(({ id, dependsOn, template }) => ({
      nodeId: id,
      dependsOn,
      kind: template.kind,
      pool: template.kind === 'task' ? template.pool : null,
      requirements: template.kind === 'task' ? template.requirements : null,
      template,
    })),
    correlationId: admission.correlationId,
    idempotency: admission.idempotency,
    actor: admission.actor,
  };
}

/** PostgreSQL knows offsets up to 16 hours only, ISO 8601 all below 24. */
function utc(moment: string | undefined): string | null {
  return moment === undefined ? null : new Date(moment).toISOString();
}

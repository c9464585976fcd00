import { formatPath, type InputProblem } from '../src/domain/input-problems.ts';
import { AppError } from '../src/contract/errors.ts';
import { explainMisplaced, type Misplaced } from '../src/domain/placement.ts';
import type { BoundReached } from '../src/db/accept.ts';

/** Answers of the stores that every accepting route turns into the same problems. */

export function boundReached(refused: BoundReached): AppError {
  return new AppError({
    code: 'limit-reached',
    detail: `The bound ${refused.bound} of ${refused.limit} is reached, so nothing was accepted. Repeat this in ${refused.retryAfterSeconds} s or later.`,
    details: { bound: refused.bound, limit: refused.limit },
    retryAfterSeconds: refused.retryAfterSeconds,
  });
}

/** 422 at the place where the pool, or what is required of one, was asked for. */
export function misplaced(
  refused: Misplaced,
  path: readonly string[] = [refused.kind === 'unmet-requirements' ? 'requirements' : 'pool'],
): AppError {
  return invalidBody([{ path, message: explainMisplaced(refused) }], { pools: refused.pools });
}

/** A dead letter whose pool is gone, or whose requirements nothing meets any more. */
export function unplaceableReplay(taskId: string, refused: Misplaced): AppError {
  return new AppError({
    code: 'validation-failed',
    detail: `Task "${taskId}" cannot be replayed as it was: ${explainMisplaced(refused)}. Make such a pool, or name another one as an edit.`,
    details: { pools: refused.pools },
  });
}

export function idempotencyConflict(
  key: string | null,
  owner: Readonly<Record<string, string>>,
): AppError {
  return new AppError({
    code: 'idempotency-conflict',
    detail: `The Idempotency-Key "${key}" was used before with another body, for ${Object.values(owner).join(', ')}. Use a new key for new work.`,
    details: { ...owner },
  });
}

/** What cannot be seen is answered like what does not exist. */
export function notFound(
  kind:
    | 'task'
    | 'swarm'
    | 'approval'
    | 'session'
    | 'gateway'
    | 'schedule'
    | 'budget'
    | 'pool'
    | 'tenant',
  id: string,
): AppError {
  return new AppError({
    code: `${kind}-not-found`,
    detail: `There is no ${kind} "${id}" that this API key may see. GET /api/v1/${kind}s lists those there are.`,
  });
}

/** 422 for what a body says, found after its schema let it pass. */
export function invalidBody(
  problems: readonly InputProblem[],
  facts: Readonly<Record<string, unknown>> = {},
): AppError {
  const issues = problems.map(({ path, message }) => ({
    path: formatPath(['body', ...path]),
    message,
  }));
  const list = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new AppError({
    code: 'validation-failed',
    detail: `The request is not valid: ${list}. Correct this and send it again; nothing was changed.`,
    details: { issues, ...facts },
  });
}

export function chainNotFound(gatewayId: string): AppError {
  return new AppError({
    code: 'chain-not-found',
    detail: `Nobody watches the dashboard of gateway "${gatewayId}". PUT /api/v1/gateways/${gatewayId}/chain with {} begins it (dashctl chain set ${gatewayId}).`,
  });
}

export function noDeadLetter(taskId: string): AppError {
  return new AppError({
    code: 'dead-letter-closed',
    detail: `Task "${taskId}" is no dead letter. Only a task in state dead can be replayed or discarded.`,
    details: { state: null },
  });
}

/** `waiting`: another attempt of it that does wait. */
export function nothingToDecide(taskId: string, waiting: string | null): AppError {
  const what =
    waiting === null ? 'no attempt that waits' : `another attempt that waits, "${waiting}",`;
  return new AppError({
    code: 'nothing-to-decide',
    detail: `Task "${taskId}" has ${what} for a decision now. Look at its attempts again.`,
    details: { attemptId: waiting },
  });
}

import type { Decision } from '../../src/domain/attempt.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import { actorOf } from '../../src/auth/credential.ts';
import type { BodyOf } from '../../src/contract/define-route.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { taskRoutes } from '../../src/contract/tasks.ts';
import { recordDecision } from '../../src/db/attempt-decision.ts';
import { taskAttempts, type AttemptRow } from '../../src/db/attempt-record.ts';
import type { ApiDeps } from '../api-deps.ts';
import { decisionWord, taskSummaryDto } from '../dto.ts';
import type { Handler } from '../handler.ts';
import { hasten } from '../hasten.ts';
import { nothingToDecide } from '../refusals.ts';
import { visibleTask } from '../visible-task.ts';

type DecideRoute = (typeof taskRoutes)['decide'];

/**
 * Records what a person decides about an indeterminate attempt (P29): the row first, the signal after. The same
 * decision said twice is answered twice; another one is told who decided before.
 */
export const decide: Handler<DecideRoute> = async (deps, { params, body, credential, scope }) => {
  const { taskId } = params;
  await visibleTask(deps, credential, taskId);
  const { attemptId } = await attemptToDecide(deps, taskId, body.attemptId);
  const decision = decisionOf(body);
  const actor = actorOf(credential);
  const result = await recordDecision(deps.db, { attemptId, decision, actor });
  switch (result.kind) {
    case 'recorded':
      hasten(scope.log, 'the decision', () =>
        deps.messages.signalTaskDecide(result.workflowId, { attemptId, decision, actor }),
      );
      break;
    case 'decided-before':
      if (result.decision.kind !== decision.kind) throw alreadyDecided(attemptId, result);
      break;
    case 'stands':
      throw nothingToDecide(taskId, null);
    default:
      return assertNever(result);
  }
  return {
    status: 202,
    body: { task: taskSummaryDto(await visibleTask(deps, credential, taskId)) },
  };
};

async function attemptToDecide(
  deps: ApiDeps,
  taskId: string,
  asked: string | undefined,
): Promise<AttemptRow> {
  const waiting = (await taskAttempts(deps.db, taskId)).find(
    ({ state }) => state === 'indeterminate',
  );
  if (waiting === undefined || (asked !== undefined && asked !== waiting.attemptId)) {
    throw nothingToDecide(taskId, waiting?.attemptId ?? null);
  }
  return waiting;
}

function decisionOf(body: BodyOf<DecideRoute>): Decision {
  switch (body.decision) {
    case 'accept':
      return { kind: 'accept', output: body.output };
    case 'retry':
      return { kind: 'retry' };
    case 'discard':
      return { kind: 'discard' };
    default:
      return assertNever(body);
  }
}

function alreadyDecided(
  attemptId: string,
  before: { readonly decision: Decision; readonly actor: string },
): AppError {
  return new AppError({
    code: 'already-decided',
    detail: `${before.actor} has decided about attempt "${attemptId}" before: ${decisionWord(before.decision)}. The first decision counts.`,
    details: { attemptId, decision: before.decision.kind, actor: before.actor },
  });
}

import { actorOf, type Credential } from '../../src/auth/credential.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import type { approvalRoutes } from '../../src/contract/approvals.ts';
import { AppError } from '../../src/contract/errors.ts';
import {
  decideApproval,
  getApproval,
  listApprovals,
  type ApprovalRecord,
  type ApprovalSummary,
} from '../../src/db/approval-store.ts';
import type { ApiDeps } from '../api-deps.ts';
import { approvalDto, approvalSummaryDto } from '../approval-dto.ts';
import type { ApiCall, Handler, Handlers } from '../handler.ts';
import { hasten } from '../hasten.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import { notFound } from '../refusals.ts';
import { maySee, tenantInView } from '../tenancy.ts';

type ApprovalRoutes = typeof approvalRoutes;

async function visibleApproval(
  deps: ApiDeps,
  credential: Credential,
  approvalId: string,
): Promise<ApprovalRecord> {
  const found = await getApproval(deps.db, approvalId);
  if (found === null || !maySee(credential, found.tenant)) throw notFound('approval', approvalId);
  return found;
}

const list: Handler<ApprovalRoutes['list']> = async (deps, { query, credential }) => {
  const { state, task, swarm } = query;
  const tenant = tenantInView(credential, query.tenant);
  const before = placeOfCursor(query.cursor);
  const rows = await listApprovals(deps.db, {
    ...(state === undefined ? {} : { states: state }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(task === undefined ? {} : { taskId: task }),
    ...(swarm === undefined ? {} : { swarmId: swarm }),
    ...(before === undefined ? {} : { before }),
    limit: query.limit,
  });
  return {
    status: 200,
    body: pageOf(rows, query.limit, { placeOf: (row) => row.seq, toDto: approvalSummaryDto }),
  };
};

const get: Handler<ApprovalRoutes['get']> = async (deps, { params, credential }) => ({
  status: 200,
  body: approvalDto(await visibleApproval(deps, credential, params.approvalId)),
});

type Decision = 'approved' | 'rejected';
type DecisionCall = Pick<
  ApiCall<ApprovalRoutes['approve']>,
  'params' | 'body' | 'credential' | 'scope'
>;

/** The row first; the swarm's workflow only hears sooner of what the row says (P31). */
async function decide(
  deps: ApiDeps,
  { params, body, credential, scope }: DecisionCall,
  decision: Decision,
): Promise<{ status: 200; body: { approval: ReturnType<typeof approvalSummaryDto> } }> {
  const { approvalId } = params;
  const actor = actorOf(credential);
  await visibleApproval(deps, credential, approvalId);
  const result = await decideApproval(deps.db, {
    approvalId,
    decision,
    comment: body.comment ?? null,
    actor,
    names: [credential.name, actor],
  });
  switch (result.kind) {
    case 'decided': {
      const { swarmId } = result;
      if (swarmId !== null && result.swarmBecameDirty) {
        hasten(scope.log, 'the decision', () => deps.messages.signalSwarmNews(swarmId));
      }
      return { status: 200, body: { approval: approvalSummaryDto(result.approval) } };
    }
    case 'decided-before': {
      const { approval } = result;
      if (approval.state !== decision || approval.decidedBy !== actor)
        throw alreadyDecided(approval);
      return { status: 200, body: { approval: approvalSummaryDto(approval) } };
    }
    case 'not-approver':
      throw notAnApprover(approvalId, credential, result.approvers);
    case 'not-found':
      throw notFound('approval', approvalId);
    default:
      return assertNever(result);
  }
}

function alreadyDecided(approval: ApprovalSummary): AppError {
  const { id, state, decidedBy, decidedAt } = approval;
  const what =
    state === 'withdrawn'
      ? `Approval "${id}" was withdrawn before: what it was for has ended.`
      : `Approval "${id}" was ${state} before, by ${decidedBy ?? 'its time running out'}. The first decision counts.`;
  return new AppError({
    code: 'already-decided',
    detail: what,
    details: { approvalId: id, state, decidedBy, decidedAt, comment: approval.comment },
  });
}

function notAnApprover(
  approvalId: string,
  credential: Credential,
  approvers: readonly string[],
): AppError {
  return new AppError({
    code: 'not-an-approver',
    detail: `Approval "${approvalId}" can be decided by ${approvers.join(', ')} only, and this API key is "${credential.name}". Use one of those keys.`,
    details: { approvers: [...approvers] },
  });
}

export const approvalHandlers: Handlers<ApprovalRoutes> = {
  list,
  get,
  approve: (deps, call) => decide(deps, call, 'approved'),
  reject: (deps, call) => decide(deps, call, 'rejected'),
};

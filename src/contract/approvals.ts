import { z } from 'zod';
import { APPROVAL_STATES, EXPIRY_POLICIES } from '../domain/approval.ts';
import { defineRoute } from './define-route.ts';
import {
  approvalId,
  boundedText,
  commaList,
  moment,
  pageCursor,
  pageLimit,
  pageOf,
  swarmId,
  taskId,
  tenantName,
} from './fields.ts';
import { LIMITS } from './limits.ts';

const summaryShape = {
  id: approvalId,
  seq: z.int(),
  tenant: tenantName,
  kind: z.enum(['task', 'step']).meta({ description: 'A gate on a task, or a step of a swarm' }),
  taskId: taskId.nullable(),
  swarmId: swarmId.nullable(),
  nodeId: z.string().nullable().meta({ description: 'The step; null: it is a gate on a task' }),
  excerpt: z.string().meta({ description: 'The first 200 characters of what is asked' }),
  state: z.enum(APPROVAL_STATES).meta({
    description: 'withdrawn: what it was for ended before anybody decided',
  }),
  approvers: z
    .array(z.string())
    .nullable()
    .meta({ description: 'Who may decide now; null: every key with the scope approvals:write' }),
  expiresAt: moment.nullable(),
  onExpiry: z.enum(EXPIRY_POLICIES),
  escalateTo: z.array(z.string()).nullable(),
  escalatedAt: moment.nullable(),
  requestedBy: z.string().nullable(),
  decidedBy: z
    .string()
    .nullable()
    .meta({ description: 'null with a decision: time decided, as onExpiry says' }),
  decidedAt: moment.nullable(),
  comment: z.string().nullable(),
  correlationId: z.string(),
  createdAt: moment,
};
export const approvalSummary = z.object(summaryShape).meta({ id: 'ApprovalSummary' });
export type ApprovalSummary = z.infer<typeof approvalSummary>;

export const approval = z
  .object({
    ...summaryShape,
    prompt: z.string().meta({ description: "What is asked; without words of its own the task's" }),
  })
  .meta({ id: 'Approval' });
export type Approval = z.infer<typeof approval>;

const approvalParams = z.object({ approvalId });
const decisionBody = z
  .strictObject({ comment: boundedText('comment', LIMITS.commentBytes).optional() })
  .meta({ id: 'DecideApproval' });
const decided = {
  200: {
    description: 'The decision stands',
    schema: z.object({ approval: approvalSummary }),
  },
};

export const approvalRoutes = {
  list: defineRoute({
    method: 'GET',
    path: '/api/v1/approvals',
    summary: 'List approvals, newest first',
    scope: 'approvals:read',
    query: z.strictObject({
      state: commaList(z.enum(APPROVAL_STATES)).optional(),
      tenant: tenantName.optional(),
      task: taskId.optional(),
      swarm: swarmId.optional(),
      limit: pageLimit,
      cursor: pageCursor.optional(),
    }),
    responses: {
      200: { description: 'One page', schema: pageOf(approvalSummary, 'ApprovalPage') },
    },
    errors: ['tenant-not-allowed'],
  }),
  get: defineRoute({
    method: 'GET',
    path: '/api/v1/approvals/{approvalId}',
    summary: 'Get an approval with what is asked',
    scope: 'approvals:read',
    params: approvalParams,
    responses: { 200: { description: 'The approval', schema: approval } },
    errors: ['approval-not-found'],
  }),
  approve: defineRoute({
    method: 'POST',
    path: '/api/v1/approvals/{approvalId}/approve',
    summary: 'Approve',
    description:
      'A task goes to the queue with its old place; a step of a swarm is completed, and its output is the comment. ' +
      'The first decision counts; the same one repeated by the same key is answered again.',
    scope: 'approvals:write',
    params: approvalParams,
    body: decisionBody,
    responses: decided,
    errors: ['approval-not-found', 'already-decided', 'not-an-approver'],
  }),
  reject: defineRoute({
    method: 'POST',
    path: '/api/v1/approvals/{approvalId}/reject',
    summary: 'Reject',
    description: 'A task ends as cancelled, its reason is `rejected`; a step of a swarm fails.',
    scope: 'approvals:write',
    params: approvalParams,
    body: decisionBody,
    responses: decided,
    errors: ['approval-not-found', 'already-decided', 'not-an-approver'],
  }),
};

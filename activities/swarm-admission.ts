import { assertNever } from '../src/domain/assert-never.ts';
import { explainMisplaced } from '../src/domain/placement.ts';
import type { SwarmNodeTemplate, TaskTemplate } from '../src/domain/swarm-expand.ts';
import {
  referencedNodes,
  resolvePrompt,
  type ResolvedPrompt,
} from '../src/domain/swarm-template.ts';
import { PRIORITIES } from '../src/domain/task.ts';
import type { Database } from '../src/db/database.ts';
import { openApprovalStep } from '../src/db/approval-store.ts';
import { markNode, readNodeOutputs } from '../src/db/swarm-node-store.ts';
import { admitSwarmNode } from '../src/db/swarm-store.ts';
import { newId } from '../src/platform/ids.ts';

export interface Admission {
  readonly admitted: number;
  /** When another round is needed without news: a bound was reached, or a node ended without a task. */
  readonly againAfterMs: number | null;
}

/**
 * Admits nodes by the same path as the API's accept, one after another and idempotent by node (P31): references are
 * resolved now, and a prompt that cannot be made fails its node by name. Stops at the first bound that is reached,
 * and with `fail-fast` at the first failure.
 */
export async function admitNodes(options: {
  readonly db: Database;
  readonly swarmId: string;
  readonly nodeIds: readonly string[];
  readonly templates: ReadonlyMap<string, SwarmNodeTemplate>;
  readonly onFailure: 'fail-fast' | 'continue';
}): Promise<Admission> {
  const { db, swarmId, nodeIds, templates, onFailure } = options;
  let admitted = 0;
  let againAfterMs: number | null = null;
  for (const nodeId of nodeIds) {
    const template = templates.get(nodeId);
    if (template === undefined) continue;
    const outcome = await admitNode(db, { swarmId, nodeId, template });
    if (outcome.kind === 'admitted') admitted += 1;
    if (outcome.kind === 'failed') againAfterMs = 0;
    if (outcome.kind === 'failed' && onFailure === 'fail-fast') break;
    if (outcome.kind === 'stopped') return { admitted, againAfterMs: outcome.againAfterMs };
  }
  return { admitted, againAfterMs };
}

type NodeOutcome =
  | { readonly kind: 'admitted' }
  /** It will never have a task or an approval: its row says why, and others may now be skipped. */
  | { readonly kind: 'failed' }
  /** Nothing more of this swarm can be admitted at present. */
  | { readonly kind: 'stopped'; readonly againAfterMs: number };

interface Node {
  readonly swarmId: string;
  readonly nodeId: string;
  readonly template: SwarmNodeTemplate;
}

async function admitNode(db: Database, node: Node): Promise<NodeOutcome> {
  const { swarmId, nodeId, template } = node;
  const outputs = await readNodeOutputs(db, swarmId, referencedNodes(template.prompt));
  const resolved = resolvePrompt(template.prompt, outputs);
  if (resolved.kind !== 'resolved') return failNode(db, node, reasonOf(resolved));
  const { prompt } = resolved;
  if (template.kind === 'approval') {
    const gate = { ...template.gate, prompt };
    const step = { swarmId, nodeId, approvalId: newId('approval'), gate };
    const { kind } = await openApprovalStep(db, step);
    return kind === 'opened' || kind === 'existing'
      ? { kind: 'admitted' }
      : { kind: 'stopped', againAfterMs: 0 };
  }
  return admitTask(db, { swarmId, nodeId, template }, prompt);
}

async function admitTask(
  db: Database,
  node: Node & { readonly template: TaskTemplate },
  prompt: string,
): Promise<NodeOutcome> {
  const { swarmId, nodeId, template } = node;
  const answer = await admitSwarmNode(db, {
    swarmId,
    nodeId,
    taskId: newId('task'),
    prompt,
    sessionKey: template.session,
    agent: template.agent,
    pool: template.pool,
    requirements: template.requirements,
    priority: PRIORITIES[template.priority],
    maxAttempts: template.maxAttempts,
    runLimitSeconds: template.runLimitSeconds,
    idempotent: template.idempotent,
    approval: template.approval,
  });
  switch (answer.kind) {
    case 'accepted':
    case 'existing':
      return { kind: 'admitted' };
    case 'refused':
      return { kind: 'stopped', againAfterMs: answer.retryAfterSeconds * 1_000 };
    // Paused, cancelled or ended since the plan was made: the next round reads that.
    case 'not-admitting':
    case 'not-found':
      return { kind: 'stopped', againAfterMs: 0 };
    case 'unknown-pool':
    case 'tenant-not-in-pool':
    case 'unmet-requirements':
      return failNode(db, node, explainMisplaced(answer));
    default:
      return assertNever(answer);
  }
}

async function failNode(db: Database, node: Node, reason: string): Promise<NodeOutcome> {
  await markNode(db, { swarmId: node.swarmId, nodeId: node.nodeId, state: 'failed', reason });
  return { kind: 'failed' };
}

function reasonOf(refused: Exclude<ResolvedPrompt, { kind: 'resolved' }>): string {
  if (refused.kind === 'missing') {
    return `"${refused.nodeId}" completed without an output, which this prompt reads`;
  }
  const largest =
    refused.largestNodeId === null
      ? ''
      : `; the largest part is the output of "${refused.largestNodeId}"`;
  return (
    `its prompt would have ${refused.sizeBytes} bytes, over the limit of ` +
    `${refused.limitBytes}${largest}`
  );
}

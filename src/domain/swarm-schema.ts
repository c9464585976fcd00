import { z } from 'zod';
import { approvalTerms, checkApprovalTerms } from './approval-schema.ts';
import { budgetLimits } from './budget-schema.ts';
import { DEFAULT_MAX_PARALLEL, MAX_SWARM_NODES } from './swarm-limits.ts';
import { byteLength, checkPlaceholders, PROMPT_LIMIT_BYTES } from './swarm-template.ts';
import { requirements } from './requirements.ts';
import { PRIORITIES, type PriorityName } from './task.ts';

/**
 * What a person writes to run a swarm (protocol.md "Swarm specification"): a strategy with its items, or a graph
 * of nodes. Strict: a key that is not known is an error, so that a slip never runs as something else.
 */

const priorityNames = Object.keys(PRIORITIES) as [PriorityName, ...PriorityName[]];

const poolName = z
  .string()
  .regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 of a-z, 0-9 and "-": it is never folded or trimmed');

const sessionKey = z
  .string()
  .regex(
    /^[a-z0-9._-]{1,100}$/,
    'must be 1 to 100 of a-z, 0-9, ".", "_" and "-": a gateway lower-cases keys, so others are refused',
  );

const nodeId = z.string().regex(/^[a-z0-9_-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9, "_" and "-"');

/** A prompt that may mention `placeholders`, and must mention the `needed` one. */
function prompt(rule: { placeholders: readonly string[]; needed?: string; why?: string }) {
  return z
    .string()
    .min(1, 'must not be empty')
    .refine((text) => byteLength(text) <= PROMPT_LIMIT_BYTES, {
      error: `is over the limit of ${PROMPT_LIMIT_BYTES} bytes for one prompt`,
      // lets the API answer 413 with the limit
      params: { limitBytes: PROMPT_LIMIT_BYTES },
    })
    .superRefine((text, context) => {
      for (const message of checkPlaceholders(text, rule)) {
        context.addIssue({ code: 'custom', message });
      }
    });
}

const itemPrompt = prompt({
  placeholders: ['{{item}}'],
  needed: '{{item}}',
  why: 'every item would get the same prompt',
});
const reducePrompt = prompt({
  placeholders: ['{{outputs}}'],
  needed: '{{outputs}}',
  why: 'it would not see what it is to reduce',
});
const stepPrompt = prompt({ placeholders: ['{{previous.output}}', '{{nodes.<id>.output}}'] });
const nodePrompt = prompt({ placeholders: ['{{nodes.<id>.output}}'] });

/** What can be said of one node, and for all nodes of a swarm at once. */
const settings = {
  agent: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, ".", "_" and "-"'),
  pool: poolName,
  requirements,
  priority: z.enum(priorityNames),
  maxAttempts: z.int().min(1, 'must be at least 1').max(100, 'must be at most 100'),
  runLimitSeconds: z
    .int()
    .min(1, 'must be at least 1')
    .max(7 * 86_400, 'must be at most a week'),
  idempotent: z.boolean(),
};
const optionalSettings = {
  agent: settings.agent.optional(),
  pool: settings.pool.optional(),
  requirements: settings.requirements.optional(),
  priority: settings.priority.optional(),
  maxAttempts: settings.maxAttempts.optional(),
  runLimitSeconds: settings.runLimitSeconds.optional(),
  idempotent: settings.idempotent.optional(),
};

/** A gate on one task: what is shown to the approvers is its prompt, with the outputs that it reads. */
const nodeApproval = z.strictObject(approvalTerms).check(checkApprovalTerms);

const common = {
  name: z.string().min(1, 'must not be empty').max(200, 'must be at most 200 characters'),
  onFailure: z.enum(['fail-fast', 'continue']).default('fail-fast'),
  maxParallel: z
    .int()
    .min(1, 'must be at least 1')
    .max(MAX_SWARM_NODES, `must be at most ${MAX_SWARM_NODES}`)
    .default(DEFAULT_MAX_PARALLEL),
  tenant: poolName.optional(),
  budget: budgetLimits.optional(),
  ...optionalSettings,
};

const items = z
  .array(z.string().min(1, 'must not be empty'))
  .min(1, 'must have at least one item')
  .max(MAX_SWARM_NODES, `must have at most ${MAX_SWARM_NODES} items`);

const mapWork = z.strictObject({ prompt: itemPrompt, ...optionalSettings });
const reduceWork = z.strictObject({ prompt: reducePrompt, ...optionalSettings });

const parallelSpec = z.strictObject({
  ...common,
  strategy: z.literal('parallel'),
  items,
  prompt: itemPrompt,
});

const pipelineSpec = z.strictObject({
  ...common,
  strategy: z.literal('pipeline'),
  steps: z
    .array(
      z.strictObject({
        id: nodeId.optional(),
        prompt: stepPrompt,
        session: sessionKey.optional(),
        approval: nodeApproval.optional(),
        ...optionalSettings,
      }),
    )
    .min(1, 'must have at least one step')
    .max(MAX_SWARM_NODES, `must have at most ${MAX_SWARM_NODES} steps`),
});

const mapReduceSpec = z.strictObject({
  ...common,
  strategy: z.literal('map-reduce'),
  items,
  map: mapWork,
  reduce: reduceWork,
});

const treeSpec = z.strictObject({
  ...common,
  strategy: z.literal('tree'),
  items,
  map: mapWork.optional(),
  reduce: reduceWork,
  fanIn: z.int().min(2, 'must be at least 2').max(100, 'must be at most 100'),
});

const taskNode = z.strictObject({
  id: nodeId,
  kind: z.literal('task').optional(),
  prompt: nodePrompt,
  dependsOn: z.array(z.string()).optional(),
  session: sessionKey.optional(),
  approval: nodeApproval.optional(),
  ...optionalSettings,
});

/** A step without a task: a person completes it, and what that person writes is its output. */
const approvalNode = z
  .strictObject({
    id: nodeId,
    kind: z.literal('approval'),
    prompt: nodePrompt,
    dependsOn: z.array(z.string()).optional(),
    ...approvalTerms,
  })
  .check(checkApprovalTerms);

const dagSpec = z.strictObject({
  ...common,
  strategy: z.literal('dag').optional(),
  nodes: z
    .array(z.discriminatedUnion('kind', [taskNode, approvalNode]))
    .min(1, 'must have at least one node')
    .max(MAX_SWARM_NODES, `must have at most ${MAX_SWARM_NODES} nodes`),
});

export const swarmSpecSchema = z.discriminatedUnion('strategy', [
  parallelSpec,
  pipelineSpec,
  mapReduceSpec,
  treeSpec,
  dagSpec,
]);

/** A checked specification, defaults filled in. */
export type SwarmSpec = z.output<typeof swarmSpecSchema>;
/** What may be written: fields with defaults may be left out. */
export type SwarmSpecInput = z.input<typeof swarmSpecSchema>;
export type ParallelSpec = z.output<typeof parallelSpec>;
export type PipelineSpec = z.output<typeof pipelineSpec>;
export type MapReduceSpec = z.output<typeof mapReduceSpec>;
export type TreeSpec = z.output<typeof treeSpec>;
export type DagSpec = z.output<typeof dagSpec>;

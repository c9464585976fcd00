import type { ApprovalGate } from './approval.ts';
import { approvalGateOf } from './approval-schema.ts';
import { assertNever } from './assert-never.ts';
import { stepId } from './swarm-graph.ts';
import type {
  DagSpec,
  MapReduceSpec,
  ParallelSpec,
  PipelineSpec,
  SwarmSpec,
  TreeSpec,
} from './swarm-schema.ts';
import type { Requirements } from './requirements.ts';
import { fillPrompt, type Source } from './swarm-prompt.ts';
import type { PromptPart } from './swarm-template.ts';
import { TASK_DEFAULTS } from './task-defaults.ts';
import type { PriorityName } from './task.ts';

/**
 * Every strategy is one graph of nodes: expanded once, at accept, by these pure functions. What runs later knows
 * only the graph. Node ids are stable words (`item-3`, `step-2`, `map-1`, `reduce-2-1`, `reduce`).
 */

/** One task of a swarm, or one step that a person completes, before it is admitted: kept in its row, resolved when its dependencies are done. */
export interface SwarmNode {
  readonly id: string;
  /** Place in the specification: the order in which ready nodes are admitted. */
  readonly ordinal: number;
  readonly dependsOn: readonly string[];
  readonly template: SwarmNodeTemplate;
}

export type SwarmNodeTemplate = TaskTemplate | ApprovalTemplate;

export interface TaskTemplate extends NodeSettings {
  readonly kind: 'task';
  readonly prompt: readonly PromptPart[];
  readonly session: string | null;
  /** Needs a person's word before it starts; null: it does not. */
  readonly approval: ApprovalGate | null;
}

export interface ApprovalTemplate {
  readonly kind: 'approval';
  /** What is asked. */
  readonly prompt: readonly PromptPart[];
  readonly gate: ApprovalGate;
}

interface NodeSettings extends OwnSettings, Place {}

/** What has a default of its own. */
interface OwnSettings {
  readonly agent: string;
  readonly priority: PriorityName;
  readonly maxAttempts: number;
  readonly runLimitSeconds: number;
  readonly idempotent: boolean;
}

/** A pool by name, or what is required of one. */
interface Place {
  readonly pool: string | null;
  readonly requirements: Requirements | null;
}

type WrittenSettings = { readonly [K in keyof NodeSettings]?: NodeSettings[K] | undefined };

/** The graph of a specification, in the order of its text. Same input, same graph. */
export function expandSwarm(spec: SwarmSpec): readonly SwarmNode[] {
  return drafts(spec).map((draft, ordinal) => ({
    id: draft.id,
    ordinal,
    dependsOn: [...new Set(draft.dependsOn)],
    template: templateOf(draft, spec),
  }));
}

function templateOf(draft: Draft, spec: WrittenSettings): SwarmNodeTemplate {
  const { prompt } = draft;
  if (draft.step !== undefined) return { kind: 'approval', prompt, gate: draft.step };
  return {
    kind: 'task',
    prompt,
    session: draft.session ?? null,
    approval: draft.approval ?? null,
    ...settingsOf(draft.work, spec),
  };
}

interface Draft {
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly prompt: readonly PromptPart[];
  readonly session?: string | undefined;
  /** A gate on its task. */
  readonly approval?: ApprovalGate | undefined;
  /** It is an approval itself, and has no task. */
  readonly step?: ApprovalGate;
  readonly work: WrittenSettings;
}

function drafts(spec: SwarmSpec): readonly Draft[] {
  switch (spec.strategy) {
    case 'parallel':
      return expandParallel(spec);
    case 'pipeline':
      return expandPipeline(spec);
    case 'map-reduce':
      return expandMapReduce(spec);
    case 'tree':
      return expandTree(spec);
    case 'dag':
    case undefined:
      return expandDag(spec);
    default:
      return assertNever(spec);
  }
}

/** A node's own word, else the swarm's, else the default of every task. */
function settingsOf(work: WrittenSettings, spec: WrittenSettings): NodeSettings {
  const chosen = <K extends keyof OwnSettings>(key: K): OwnSettings[K] =>
    work[key] ?? spec[key] ?? TASK_DEFAULTS[key];
  return {
    agent: chosen('agent'),
    ...(placeOf(work) ?? placeOf(spec) ?? { pool: TASK_DEFAULTS.pool, requirements: null }),
    priority: chosen('priority'),
    maxAttempts: chosen('maxAttempts'),
    runLimitSeconds: chosen('runLimitSeconds'),
    idempotent: chosen('idempotent'),
  };
}

/** The place that was asked for here; null: none. The schema lets no one ask for both. */
function placeOf({ pool, requirements }: WrittenSettings): Place | null {
  if (requirements) return { pool: null, requirements };
  return pool ? { pool, requirements: null } : null;
}

function expandParallel(spec: ParallelSpec): readonly Draft[] {
  return spec.items.map((item, index) => ({
    id: `item-${index + 1}`,
    dependsOn: [],
    prompt: fillPrompt(spec.prompt, { item }),
    work: {},
  }));
}

function expandPipeline(spec: PipelineSpec): readonly Draft[] {
  const ids = spec.steps.map((step, index) => step.id ?? stepId(index));
  return spec.steps.map((step, index) => {
    const previous = ids[index - 1];
    return {
      id: ids[index] ?? stepId(index),
      dependsOn: previous === undefined ? [] : [previous],
      prompt: fillPrompt(step.prompt, { previous }),
      session: step.session,
      approval: gateOf(step.approval),
      work: step,
    };
  });
}

function expandMapReduce(spec: MapReduceSpec): readonly Draft[] {
  const maps = expandMap(spec.items, spec.map);
  const sources = maps.map((draft, index) => nodeSource(draft.id, spec.items[index] ?? draft.id));
  return [...maps, reduceDraft('reduce', sources, spec.reduce)];
}

function expandMap(
  items: readonly string[],
  map: WrittenSettings & { readonly prompt: string },
): readonly Draft[] {
  return items.map((item, index) => ({
    id: `map-${index + 1}`,
    dependsOn: [],
    prompt: fillPrompt(map.prompt, { item }),
    work: map,
  }));
}

/**
 * Reduces in groups of `fanIn` until one is left, which is called `reduce`. Without `map` the items themselves
 * are the leaves. A source that is left alone in its group goes up as it is: nothing is there to be combined.
 */
function expandTree(spec: TreeSpec): readonly Draft[] {
  const maps = spec.map === undefined ? [] : expandMap(spec.items, spec.map);
  let sources: readonly Source[] =
    spec.map === undefined
      ? spec.items.map((text, index) => ({
          label: `part ${index + 1}`,
          part: { kind: 'text', text },
        }))
      : maps.map((draft, index) => nodeSource(draft.id, spec.items[index] ?? draft.id));
  const reduces: Draft[] = [];
  for (let level = 1; sources.length > spec.fanIn; level += 1) {
    const next: Source[] = [];
    for (const group of groupsOf(sources, spec.fanIn)) {
      const [only] = group;
      if (group.length === 1 && only !== undefined) {
        next.push(only);
        continue;
      }
      const id = `reduce-${level}-${next.length + 1}`;
      reduces.push(reduceDraft(id, group, spec.reduce));
      next.push(nodeSource(id, `part ${next.length + 1}`));
    }
    sources = next;
  }
  return [...maps, ...reduces, reduceDraft('reduce', sources, spec.reduce)];
}

function groupsOf<T>(values: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(values.length / size);
  return Array.from({ length: count }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}

function expandDag(spec: DagSpec): readonly Draft[] {
  return spec.nodes.map((node) => {
    const draft = {
      id: node.id,
      dependsOn: node.dependsOn ?? [],
      prompt: fillPrompt(node.prompt, {}),
    };
    return node.kind === 'approval'
      ? { ...draft, step: approvalGateOf(node, null), work: {} }
      : { ...draft, session: node.session, approval: gateOf(node.approval), work: node };
  });
}

function gateOf(terms: Parameters<typeof approvalGateOf>[0] | undefined): ApprovalGate | undefined {
  return terms === undefined ? undefined : approvalGateOf(terms, null);
}

function nodeSource(nodeId: string, label: string): Source {
  return { label, part: { kind: 'output', nodeId } };
}

function reduceDraft(
  id: string,
  sources: readonly Source[],
  reduce: WrittenSettings & { readonly prompt: string },
): Draft {
  return {
    id,
    dependsOn: sources.flatMap(({ part }) => (part.kind === 'output' ? [part.nodeId] : [])),
    prompt: fillPrompt(reduce.prompt, { outputs: sources }),
    work: reduce,
  };
}

import { nearest, type InputProblem } from './input-problems.ts';
import { EITHER_POOL_OR_REQUIREMENTS } from './requirements.ts';
import { parsePrompt, type WrittenPart } from './swarm-template.ts';

/**
 * What is wrong with the graph that a specification draws: ids used twice, dependencies that do not exist or go
 * in a circle, references to the output of a node that need not have finished. Reads the input as it was written
 * and skips what it cannot read, so that it can speak beside the schema about the same document.
 */
export function checkGraph(input: unknown): readonly InputProblem[] {
  const nodes = readNodes(input);
  return [
    ...repeatedIds(nodes),
    ...danglingDependencies(nodes),
    ...cycles(nodes),
    ...wrongReferences(nodes),
    ...twicePlaced(input),
  ];
}

/** Where both a pool and requirements are written: for the swarm, for a part of its strategy, for a node. */
function twicePlaced(input: unknown): readonly InputProblem[] {
  const spec = fieldsOf(input);
  const listed = (key: string): [(string | number)[], unknown][] => {
    const list = spec[key];
    return Array.isArray(list) ? list.map((one: unknown, index) => [[key, index], one]) : [];
  };
  const places: [(string | number)[], unknown][] = [
    [[], spec],
    [['map'], spec['map']],
    [['reduce'], spec['reduce']],
    ...listed('steps'),
    ...listed('nodes'),
  ];
  return places
    .filter(([, one]) => 'pool' in fieldsOf(one) && 'requirements' in fieldsOf(one))
    .map(([path]) => ({
      path: [...path, 'requirements'],
      message: EITHER_POOL_OR_REQUIREMENTS,
    }));
}

interface WrittenNode {
  readonly path: readonly (string | number)[];
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly prompt: readonly WrittenPart[];
}

type Fields = Readonly<Record<string, unknown>>;

function readNodes(input: unknown): readonly WrittenNode[] {
  const spec = fieldsOf(input);
  if (Array.isArray(spec['steps'])) return readSteps(spec['steps']);
  if (!Array.isArray(spec['nodes'])) return [];
  return spec['nodes'].flatMap((raw: unknown, index): WrittenNode[] => {
    const node = fieldsOf(raw);
    if (typeof node['id'] !== 'string') return [];
    return [
      {
        path: ['nodes', index],
        id: node['id'],
        dependsOn: Array.isArray(node['dependsOn'])
          ? node['dependsOn'].filter((id) => typeof id === 'string')
          : [],
        prompt: promptOf(node),
      },
    ];
  });
}

/** The id of a pipeline's step when it was given none. */
export function stepId(index: number): string {
  return `step-${index + 1}`;
}

function readSteps(steps: readonly unknown[]): readonly WrittenNode[] {
  const idOf = (index: number): string => {
    const id = fieldsOf(steps[index])['id'];
    return typeof id === 'string' ? id : stepId(index);
  };
  return steps.map((raw, index) => ({
    path: ['steps', index],
    id: idOf(index),
    dependsOn: index === 0 ? [] : [idOf(index - 1)],
    prompt: promptOf(fieldsOf(raw)),
  }));
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function promptOf(node: Fields): readonly WrittenPart[] {
  return typeof node['prompt'] === 'string' ? parsePrompt(node['prompt']) : [];
}

function repeatedIds(nodes: readonly WrittenNode[]): readonly InputProblem[] {
  const first = new Map<string, WrittenNode>();
  return nodes.flatMap((node) => {
    const earlier = first.get(node.id);
    if (earlier === undefined) {
      first.set(node.id, node);
      return [];
    }
    const where = `${String(earlier.path[0])}[${String(earlier.path[1])}]`;
    return [{ path: [...node.path, 'id'], message: `"${node.id}" is already the id of ${where}` }];
  });
}

function danglingDependencies(nodes: readonly WrittenNode[]): readonly InputProblem[] {
  const ids = nodes.map((node) => node.id);
  const known = new Set(ids);
  return nodes.flatMap((node) =>
    node.dependsOn.flatMap((id, index) =>
      known.has(id)
        ? []
        : [{ path: [...node.path, 'dependsOn', index], message: noSuchNode(id, ids) }],
    ),
  );
}

function noSuchNode(id: string, ids: readonly string[]): string {
  const near = nearest(id, ids);
  return `there is no node "${id}"${near === null ? '' : `; did you mean "${near}"?`}`;
}

/** One problem per circle, at the node where it was noticed, naming its nodes in order. */
function cycles(nodes: readonly WrittenNode[]): readonly InputProblem[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const done = new Set<string>();
  const problems: InputProblem[] = [];
  const visit = (node: WrittenNode, trail: readonly string[]): void => {
    const start = trail.indexOf(node.id);
    if (start >= 0) {
      const circle = [...trail.slice(start), node.id].join(' → ');
      problems.push({ path: [...node.path, 'dependsOn'], message: `goes in a circle: ${circle}` });
      return;
    }
    if (done.has(node.id)) return;
    for (const id of node.dependsOn) {
      const dependency = byId.get(id);
      if (dependency !== undefined) visit(dependency, [...trail, node.id]);
    }
    done.add(node.id);
  };
  for (const node of nodes) visit(node, []);
  return problems;
}

function wrongReferences(nodes: readonly WrittenNode[]): readonly InputProblem[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return nodes.flatMap((node) => {
    const path = [...node.path, 'prompt'];
    const before = ancestors(node, byId);
    return node.prompt.flatMap((part): InputProblem[] => {
      if (part.kind === 'previous' && node.dependsOn.length === 0) {
        return [{ path, message: '"{{previous.output}}" means nothing in the first step' }];
      }
      if (part.kind !== 'output' || before.has(part.nodeId)) return [];
      if (!byId.has(part.nodeId)) {
        return [{ path, message: noSuchNode(part.nodeId, [...byId.keys()]) }];
      }
      const message = `reads the output of "${part.nodeId}", which need not have finished: depend on it`;
      return [{ path, message }];
    });
  });
}

/** Everything that has finished before a node may start. */
function ancestors(node: WrittenNode, byId: ReadonlyMap<string, WrittenNode>): ReadonlySet<string> {
  const found = new Set<string>();
  const queue = [...node.dependsOn];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (found.has(id) || id === node.id) continue;
    found.add(id);
    queue.push(...(byId.get(id)?.dependsOn ?? []));
  }
  return found;
}

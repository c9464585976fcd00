import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { parseSwarmSpec } from '../../../src/domain/swarm-spec.ts';

const directory = join(import.meta.dirname, '../../../examples');
const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'));

function read(name: string) {
  const result = parseSwarmSpec(parse(readFileSync(join(directory, name), 'utf8')));
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  return result;
}

describe('the examples', () => {
  it.each(files)('%s is a valid specification (swarm specification)', (name) => {
    expect(read(name).nodes.length).toBeGreaterThan(0);
  });

  it('the first swarm is three questions, their reduce, and a session of two tasks (issue 3)', () => {
    const { nodes } = read('first-swarm.yaml');
    expect(nodes).toHaveLength(6);
    const reduce = nodes.filter(({ dependsOn }) => dependsOn.length === 3);
    expect(reduce.map(({ id }) => id)).toEqual(['checklist']);
    const sessionOf = ({ template }: (typeof nodes)[number]): string | null =>
      template.kind === 'task' ? template.session : null;
    const session = nodes.filter((node) => sessionOf(node) !== null);
    expect(session.map(({ id }) => id)).toEqual(['audience', 'announce']);
    expect(new Set(session.map(sessionOf)).size).toBe(1);
    expect(session[1]?.dependsOn).toContain('audience');
  });

  it('every strategy has an example (swarm specification)', () => {
    const strategies = files.map((name) => read(name).spec.strategy ?? 'dag');
    for (const strategy of ['dag', 'map-reduce', 'parallel', 'pipeline', 'tree']) {
      expect(strategies).toContain(strategy);
    }
  });

  it('the tree of nine in groups of three makes the tasks that its comment promises (swarm specification)', () => {
    expect(
      read('tree.yaml')
        .nodes.map(({ id }) => id)
        .slice(9),
    ).toEqual(['reduce-1-1', 'reduce-1-2', 'reduce-1-3', 'reduce']);
  });
});

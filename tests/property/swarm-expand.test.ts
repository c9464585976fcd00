import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseSwarmSpec } from '../../src/domain/swarm-spec.ts';
import type { SwarmNode } from '../../src/domain/swarm-expand.ts';

const items = fc.array(fc.string({ minLength: 1, maxLength: 20 }), {
  minLength: 1,
  maxLength: 120,
});

function expand(spec: unknown): readonly SwarmNode[] {
  const result = parseSwarmSpec(spec);
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  return result.nodes;
}

const dags = fc
  .array(fc.record({ isApproval: fc.boolean(), after: fc.nat(), reads: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((list) => ({
    name: 's',
    nodes: list.map(({ isApproval, after, reads }, index) => {
      const before = index === 0 ? null : `n${after % index}`;
      return {
        id: `n${index}`,
        ...(isApproval ? { kind: 'approval' } : {}),
        dependsOn: before === null ? [] : [before],
        prompt: before !== null && reads ? `see {{nodes.${before}.output}}` : 'see',
      };
    }),
  }));

const specs = fc.oneof(
  dags,
  items.map((list) => ({ name: 's', strategy: 'parallel', items: list, prompt: 'x {{item}}' })),
  fc
    .array(fc.constantFrom('draft', 'go on with {{previous.output}}'), { maxLength: 60 })
    .map((rest) => ({
      name: 's',
      strategy: 'pipeline',
      steps: ['start', ...rest].map((prompt) => ({ prompt })),
    })),
  items.map((list) => ({
    name: 's',
    strategy: 'map-reduce',
    items: list,
    map: { prompt: 'x {{item}}' },
    reduce: { prompt: '{{outputs}}' },
  })),
  fc
    .record({ list: items, fanIn: fc.integer({ min: 2, max: 9 }), map: fc.boolean() })
    .map((tree) => ({
      name: 's',
      strategy: 'tree',
      items: tree.list,
      fanIn: tree.fanIn,
      ...(tree.map ? { map: { prompt: 'x {{item}}' } } : {}),
      reduce: { prompt: '{{outputs}}' },
    })),
);

/** Ids that can be run one after another: everything, if there is no circle. */
function runnable(nodes: readonly SwarmNode[]): number {
  const done = new Set<string>();
  for (let before = -1; before < done.size;) {
    before = done.size;
    for (const node of nodes) {
      if (node.dependsOn.every((id) => done.has(id))) done.add(node.id);
    }
  }
  return done.size;
}

describe('every strategy is one graph', () => {
  it('without circles, with unique ids, and with references only to dependencies (swarm specification)', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const nodes = expand(spec);
        expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
        expect(nodes.map(({ ordinal }) => ordinal)).toEqual(nodes.map((_, index) => index));
        expect(runnable(nodes)).toBe(nodes.length);
        for (const { template, dependsOn } of nodes) {
          const read = template.prompt.flatMap((part) =>
            part.kind === 'output' ? [part.nodeId] : [],
          );
          expect(read.filter((id) => !dependsOn.includes(id))).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('the same specification gives the same graph (swarm specification)', () => {
    fc.assert(
      fc.property(specs, (spec) => {
        expect(expand(structuredClone(spec))).toEqual(expand(spec));
      }),
      { numRuns: 50 },
    );
  });

  it('a tree never reduces more than fanIn at once, ends in one reduce and reads every item once (swarm specification)', () => {
    const trees = fc.record({
      count: fc.integer({ min: 1, max: 300 }),
      fanIn: fc.integer({ min: 2, max: 10 }),
      map: fc.boolean(),
    });
    fc.assert(
      fc.property(trees, ({ count, fanIn, map }) => {
        const list = Array.from({ length: count }, (_, index) => `<${index}>`);
        const nodes = expand({
          name: 't',
          strategy: 'tree',
          items: list,
          fanIn,
          ...(map ? { map: { prompt: '{{item}}' } } : {}),
          reduce: { prompt: '{{outputs}}' },
        });
        const reduces = nodes.filter(({ id }) => id.startsWith('reduce'));
        for (const reduce of reduces) expect(reduce.dependsOn.length).toBeLessThanOrEqual(fanIn);
        const used = nodes.flatMap(({ dependsOn }) => dependsOn);
        expect(new Set(used).size).toBe(used.length);
        expect(nodes.filter(({ id }) => !used.includes(id)).map(({ id }) => id)).toEqual([
          'reduce',
        ]);
        const text = nodes
          .flatMap(({ template }) => template.prompt)
          .map((part) => (part.kind === 'text' ? part.text : ''))
          .join('');
        const mentions = map ? text.replaceAll(/### <\d+>/g, '') : text;
        for (const item of list) expect(mentions.split(item)).toHaveLength(2);
        expect(nodes.length).toBeLessThanOrEqual((map ? count : 0) + Math.max(1, count));
      }),
      { numRuns: 100 },
    );
  });
});

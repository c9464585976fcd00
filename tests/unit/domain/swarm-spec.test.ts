import { describe, expect, it } from '@jest/globals';
import { formatPath } from '../../../src/domain/input-problems.ts';
import { parseSwarmSpec } from '../../../src/domain/swarm-spec.ts';

function problems(input: unknown): string[] {
  const result = parseSwarmSpec(input);
  if (result.kind === 'valid') return [];
  return result.problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
}

function nodes(input: unknown) {
  const result = parseSwarmSpec(input);
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  return result.nodes;
}

const byText = (a = '', b = ''): number => a.localeCompare(b);

const dag = (list: unknown[]) => ({ name: 'graph', nodes: list });

describe('what a specification may not say', () => {
  it('every error of a document is told at once, each at its own path (swarm specification)', () => {
    const seen = problems({
      name: '',
      maxParallel: 0,
      onFailure: 'stop',
      nodes: [
        { id: 'a', prompt: 'p', dependOn: ['b'] },
        { id: 'A!', prompt: 'p' },
        { id: 'c', prompt: 7, dependsOn: ['zz'], maxAttempts: 0 },
        { id: 'd' },
      ],
    });
    expect(seen.map((line) => line.split(': ')[0]).toSorted(byText)).toEqual(
      [
        'maxParallel',
        'name',
        'nodes[0].dependOn',
        'nodes[1].id',
        'nodes[2].dependsOn[0]',
        'nodes[2].maxAttempts',
        'nodes[2].prompt',
        'nodes[3].prompt',
        'onFailure',
      ].toSorted(byText),
    );
  });

  it('an unknown key is refused with the key that was probably meant (swarm specification)', () => {
    expect(problems(dag([{ id: 'a', prompt: 'p', dependOn: [] }]))).toEqual([
      'nodes[0].dependOn: "dependOn" is not known here; did you mean "dependsOn"?',
    ]);
  });

  it.each([
    [{ usd: -1 }, 'budget.usd: must be greater than 0'],
    [{ tokens: 0 }, 'budget.tokens: must be at least 1'],
    [{}, 'budget: must have a limit: usd, tokens, or both'],
  ])('the budget %j is refused with its path (P15)', (budget, problem) => {
    expect(problems({ ...dag([{ id: 'a', prompt: 'p' }]), budget })).toEqual([problem]);
  });

  it('an id used twice is named with its first use (swarm specification)', () => {
    expect(
      problems(
        dag([
          { id: 'a', prompt: 'p' },
          { id: 'b', prompt: 'p' },
          { id: 'a', prompt: 'p' },
        ]),
      ),
    ).toEqual(['nodes[2].id: "a" is already the id of nodes[0]']);
  });

  it('a dependency that does not exist is named, with the id that was probably meant (swarm specification)', () => {
    expect(
      problems(
        dag([
          { id: 'collect', prompt: 'p' },
          { id: 'b', prompt: 'p', dependsOn: ['colect'] },
        ]),
      ),
    ).toEqual(['nodes[1].dependsOn[0]: there is no node "colect"; did you mean "collect"?']);
  });

  it('dependencies in a circle are named in their order (swarm specification)', () => {
    const circle = dag([
      { id: 'a', prompt: 'p', dependsOn: ['c'] },
      { id: 'b', prompt: 'p', dependsOn: ['a'] },
      { id: 'c', prompt: 'p', dependsOn: ['b'] },
      { id: 'self', prompt: 'p', dependsOn: ['self'] },
    ]);
    expect(problems(circle)).toEqual([
      'nodes[0].dependsOn: goes in a circle: a → c → b → a',
      'nodes[3].dependsOn: goes in a circle: self → self',
    ]);
  });

  it('a prompt may read only outputs that have finished before it (swarm specification)', () => {
    const list = [
      { id: 'a', prompt: 'p' },
      { id: 'b', prompt: '{{nodes.a.output}}', dependsOn: ['a'] },
      { id: 'c', prompt: '{{ nodes.a.output }} {{nodes.b.output}}', dependsOn: ['b'] },
    ];
    expect(problems(dag(list))).toEqual([]);
    expect(
      problems(dag([...list, { id: 'd', prompt: '{{nodes.c.output}}', dependsOn: ['b'] }])),
    ).toEqual([
      'nodes[3].prompt: reads the output of "c", which need not have finished: depend on it',
    ]);
    expect(problems(dag([...list, { id: 'd', prompt: '{{nodes.x.output}}' }]))).toEqual([
      'nodes[3].prompt: there is no node "x"',
    ]);
  });

  it('a misspelt or misplaced placeholder is an error, other braces are text (swarm specification)', () => {
    expect(problems(dag([{ id: 'a', prompt: '{{nodes.a.result}} {{item}}' }]))).toHaveLength(2);
    expect(problems(dag([{ id: 'a', prompt: 'a Jinja {{ user.name }} and {{#if}}' }]))).toEqual([]);
  });

  it('a map prompt without its item and a reduce prompt without its outputs are refused (swarm specification)', () => {
    const base = { name: 'm', strategy: 'map-reduce', items: ['x'] };
    expect(problems({ ...base, map: { prompt: 'do' }, reduce: { prompt: 'sum' } })).toEqual([
      'map.prompt: never mentions {{item}}: every item would get the same prompt',
      'reduce.prompt: never mentions {{outputs}}: it would not see what it is to reduce',
    ]);
  });

  it('an unknown strategy is answered with the known ones (swarm specification)', () => {
    expect(problems({ name: 's', strategy: 'mapreduce' })).toEqual([
      'strategy: must be one of parallel, pipeline, map-reduce, tree, dag',
    ]);
  });

  it('more than 1 000 tasks are refused, also when only the reduce steps make them too many (swarm specification)', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `item ${index}`);
    const parallel = { name: 'p', strategy: 'parallel', prompt: '{{item}}' };
    expect(problems({ ...parallel, items: many(1_000) })).toEqual([]);
    expect(problems({ ...parallel, items: many(1_001) })).toEqual([
      'items: must have at most 1000 items',
    ]);
    expect(
      problems({
        name: 'm',
        strategy: 'map-reduce',
        items: many(1_000),
        map: { prompt: '{{item}}' },
        reduce: { prompt: '{{outputs}}' },
      }),
    ).toEqual(['items: makes 1001 tasks with its reduce steps; a swarm has at most 1000']);
  });

  it('names with other characters are refused, never folded (swarm specification)', () => {
    expect(
      problems({ ...dag([{ id: 'a', prompt: 'p', session: 'Notes' }]), tenant: 'Team A' }),
    ).toEqual([
      expect.stringMatching(/^tenant: must be 1 to 40 of/),
      expect.stringMatching(/^nodes\[0\]\.session: must be 1 to 100 of/),
    ]);
  });

  it('whatever is not a mapping is one error at the root (swarm specification)', () => {
    for (const input of [null, 3, 'text', [], undefined]) expect(problems(input)).toHaveLength(1);
  });
});

describe('what a strategy becomes', () => {
  it('a pipeline step depends on the one before and reads it as previous (swarm specification)', () => {
    const steps = nodes({
      name: 'p',
      strategy: 'pipeline',
      steps: [
        { prompt: 'draft' },
        { id: 'review', prompt: 'review {{previous.output}}' },
        { prompt: 'end' },
      ],
    });
    expect(steps.map(({ id, dependsOn }) => [id, dependsOn])).toEqual([
      ['step-1', []],
      ['review', ['step-1']],
      ['step-3', ['review']],
    ]);
    expect(steps[1]?.template.prompt).toEqual([
      { kind: 'text', text: 'review ' },
      { kind: 'output', nodeId: 'step-1' },
    ]);
  });

  it('an item that looks like a reference stays text (swarm specification)', () => {
    const [first] = nodes({
      name: 'p',
      strategy: 'parallel',
      items: ['{{nodes.item-2.output}}', 'b'],
      prompt: 'do {{item}}',
    });
    expect(first?.template.prompt).toEqual([{ kind: 'text', text: 'do {{nodes.item-2.output}}' }]);
  });

  it("a node's own setting wins over the swarm's, which wins over the default (swarm specification)", () => {
    const [own, inherited] = nodes({
      ...dag([
        { id: 'a', prompt: 'p', priority: 'low', pool: 'gpu' },
        { id: 'b', prompt: 'p' },
      ]),
      priority: 'high',
      agent: 'writer',
    });
    expect(own?.template).toMatchObject({ priority: 'low', pool: 'gpu', agent: 'writer' });
    expect(inherited?.template).toMatchObject({
      priority: 'high',
      pool: 'default',
      agent: 'writer',
      maxAttempts: 3,
    });
  });

  it('a reduce prompt lists each output under the item it answers (swarm specification)', () => {
    const all = nodes({
      name: 'm',
      strategy: 'map-reduce',
      items: ['tea', 'coffee'],
      map: { prompt: 'about {{item}}' },
      reduce: { prompt: 'compare:\n{{outputs}}\nin one line' },
    });
    expect(all.at(-1)).toMatchObject({ id: 'reduce', dependsOn: ['map-1', 'map-2'] });
    expect(all.at(-1)?.template.prompt).toEqual([
      { kind: 'text', text: 'compare:\n### tea\n\n' },
      { kind: 'output', nodeId: 'map-1' },
      { kind: 'text', text: '\n\n### coffee\n\n' },
      { kind: 'output', nodeId: 'map-2' },
      { kind: 'text', text: '\nin one line' },
    ]);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Verdict } from '../../support/row-executor.ts';
import { withSwarmWorld } from './support/world.ts';

const world = withSwarmWorld({ worker: 'shared' });

/** Answers with the node's name around its whole prompt, so that what was read can be seen in what follows. */
const echo = (prompt: string, nodeId: string): Verdict => ({
  kind: 'answer',
  text: `${nodeId}(${prompt})`,
});

describe('every strategy, from its rows to its end', () => {
  it('parallel: every item runs once, never more than maxParallel at a time (P31)', async () => {
    const { submit, execute } = world();
    const swarm = await submit({
      name: 'p',
      strategy: 'parallel',
      maxParallel: 3,
      items: ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
      prompt: 'do {{item}}',
    });
    const executor = execute(echo);
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    const prompts = executor.taken
      .map(({ prompt }) => prompt)
      .toSorted((a, b) => a.localeCompare(b));
    expect(prompts).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((item) => `do ${item}`));
    expect(executor.mostOpen()).toBeLessThanOrEqual(3);
    expect((await swarm.rows()).swarm.nodeCounts).toMatchObject({ completed: 7 });
  });

  it('pipeline: each step reads the output of the one before (swarm specification)', async () => {
    const { submit, execute } = world();
    const swarm = await submit({
      name: 'p',
      strategy: 'pipeline',
      steps: [
        { prompt: 'start' },
        { prompt: 'then {{previous.output}}' },
        { prompt: 'last {{previous.output}} and {{nodes.step-1.output}}' },
      ],
    });
    const executor = execute(echo);
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.taken.map(({ prompt }) => prompt)).toEqual([
      'start',
      'then step-1(start)',
      'last step-2(then step-1(start)) and step-1(start)',
    ]);
  });

  it('map-reduce: the reduce begins after every item and reads all outputs (swarm specification)', async () => {
    const { submit, execute } = world();
    const swarm = await submit({
      name: 'm',
      strategy: 'map-reduce',
      items: ['x', 'y', 'z'],
      map: { prompt: 'look at {{item}}' },
      reduce: { prompt: 'sum:\n{{outputs}}' },
    });
    const executor = execute(echo);
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.taken.at(-1)).toEqual({
      nodeId: 'reduce',
      prompt:
        'sum:\n### x\n\nmap-1(look at x)\n\n### y\n\nmap-2(look at y)\n\n### z\n\nmap-3(look at z)',
    });
  });

  it('tree: reduces in groups of fanIn until one is left (swarm specification)', async () => {
    const { submit, execute } = world();
    const swarm = await submit({
      name: 't',
      strategy: 'tree',
      fanIn: 2,
      items: ['a', 'b', 'c', 'd', 'e'],
      reduce: { prompt: '[{{outputs}}]' },
    });
    const executor = execute((_prompt, nodeId) => ({ kind: 'answer', text: nodeId }));
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(await swarm.states()).toEqual({
      'reduce-1-1': 'completed',
      'reduce-1-2': 'completed',
      'reduce-2-1': 'completed',
      reduce: 'completed',
    });
    expect(executor.taken.at(-1)?.prompt).toBe('[### part 1\n\nreduce-2-1\n\n### part 5\n\ne]');
  });

  it('dag: a session inside a swarm keeps its order, everything else what it depends on (swarm specification)', async () => {
    const { submit, execute, db } = world();
    const swarm = await submit({
      name: 'd',
      nodes: [
        { id: 'first', prompt: 'one', session: 'talk', priority: 'low' },
        {
          id: 'second',
          prompt: 'two {{nodes.side.output}}',
          session: 'talk',
          dependsOn: ['first', 'side'],
        },
        { id: 'side', prompt: 'side' },
      ],
    });
    const executor = execute(echo);
    await expect(swarm.end()).resolves.toEqual({ state: 'completed' });
    expect(executor.taken.at(-1)?.prompt).toBe('two side(side)');
    const rows = await db.rows<{ node_id: string; session_key: string | null; priority: number }>(
      'select node_id, session_key, priority from dash.tasks where swarm_id = $1 order by node_id',
      [swarm.swarmId],
    );
    expect(rows).toEqual([
      { node_id: 'first', session_key: 'talk', priority: 4 },
      { node_id: 'second', session_key: 'talk', priority: 3 },
      { node_id: 'side', session_key: null, priority: 3 },
    ]);
  });
});

describe('failures', () => {
  const graph = (onFailure: string) => ({
    name: 'f',
    onFailure,
    maxParallel: 2,
    nodes: [
      { id: 'bad', prompt: 'bad' },
      { id: 'slow', prompt: 'slow' },
      { id: 'free', prompt: 'free' },
      { id: 'below', prompt: 'below', dependsOn: ['bad'] },
      { id: 'after-slow', prompt: 'after', dependsOn: ['slow'] },
    ],
  });

  it('fail-fast: admits nothing more, cancels what is open, and fails naming the node (P31)', async () => {
    const { submit, execute } = world();
    const swarm = await submit(graph('fail-fast'));
    execute((prompt) => (prompt === 'bad' ? { kind: 'fail', message: 'no' } : { kind: 'hold' }));
    await expect(swarm.end()).rejects.toMatchObject({
      cause: { type: 'SwarmFailed', message: expect.stringContaining('"bad"') },
    });
    expect(await swarm.states()).toEqual({
      bad: 'failed',
      slow: 'failed',
      free: 'skipped',
      below: 'skipped',
      'after-slow': 'skipped',
    });
    const { swarm: row, nodes } = await swarm.rows();
    expect(row).toMatchObject({ state: 'failed' });
    expect(nodes.find(({ nodeId }) => nodeId === 'slow')).toMatchObject({ taskState: 'cancelled' });
    expect(nodes.find(({ nodeId }) => nodeId === 'free')?.reason).toContain('"bad" failed');
  });

  it('continue: runs what no failure cuts off, then fails (P31)', async () => {
    const { submit, execute } = world();
    const swarm = await submit(graph('continue'));
    execute((prompt, nodeId) =>
      prompt === 'bad' ? { kind: 'fail', message: 'no' } : echo(prompt, nodeId),
    );
    await expect(swarm.end()).rejects.toMatchObject({ cause: { type: 'SwarmFailed' } });
    expect(await swarm.states()).toEqual({
      bad: 'failed',
      slow: 'completed',
      free: 'completed',
      below: 'skipped',
      'after-slow': 'completed',
    });
  });

  it('a prompt that grows over the limit fails its node by name and nothing is sent (swarm specification)', async () => {
    const { submit, execute } = world();
    const swarm = await submit({
      name: 'big',
      onFailure: 'continue',
      nodes: [
        { id: 'huge', prompt: 'huge' },
        { id: 'reader', prompt: 'read {{nodes.huge.output}}', dependsOn: ['huge'] },
      ],
    });
    const executor = execute(() => ({ kind: 'answer', text: 'x'.repeat(300 * 1024) }));
    await expect(swarm.end()).rejects.toMatchObject({ cause: { type: 'SwarmFailed' } });
    const { nodes } = await swarm.rows();
    expect(nodes.find(({ nodeId }) => nodeId === 'reader')).toMatchObject({
      state: 'failed',
      taskId: null,
      reason: expect.stringMatching(/over the limit of 262144; the largest part is .*"huge"/),
    });
    expect(executor.taken).toHaveLength(1);
  });
});

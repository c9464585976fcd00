import { describe, expect, it } from '@jest/globals';
import {
  planSwarm,
  type PlannedNode,
  type SwarmNodeState,
  type SwarmSituation,
} from '../../../src/domain/swarm-plan.ts';

function node(id: string, state: SwarmNodeState, dependsOn: string[] = []): PlannedNode {
  return { id, kind: 'task', state, dependsOn };
}

function step(id: string, state: SwarmNodeState, dependsOn: string[] = []): PlannedNode {
  return { ...node(id, state, dependsOn), kind: 'approval' };
}

function plan(nodes: readonly PlannedNode[], over: Partial<SwarmSituation> = {}) {
  return planSwarm({
    state: 'running',
    onFailure: 'fail-fast',
    cancelRequested: false,
    maxParallel: 10,
    nodes,
    ...over,
  });
}

describe('what is admitted', () => {
  it('nodes whose dependencies are completed, in the order of the text, up to maxParallel (P31)', () => {
    const nodes = [
      node('a', 'completed'),
      node('b', 'admitted'),
      node('c', 'waiting', ['a', 'b']),
      node('d', 'waiting', ['a']),
      node('e', 'waiting'),
      node('f', 'waiting'),
    ];
    expect(plan(nodes).admit).toEqual(['d', 'e', 'f']);
    expect(plan(nodes, { maxParallel: 3 }).admit).toEqual(['d', 'e']);
    expect(plan(nodes, { maxParallel: 1 }).admit).toEqual([]);
  });

  it('nothing while the swarm is paused, which is not its end (P31)', () => {
    expect(plan([node('a', 'completed'), node('b', 'waiting')], { state: 'paused' })).toEqual({
      admit: [],
      skip: [],
      cancel: [],
      withdraw: [],
      end: null,
    });
  });
});

describe('steps that a person completes', () => {
  it('are opened when their dependencies are completed, and take no place among the open tasks (P31)', () => {
    const nodes = [
      node('a', 'completed'),
      node('b', 'admitted'),
      step('open', 'admitted'),
      step('ask', 'waiting', ['a']),
      step('later', 'waiting', ['b']),
      node('c', 'waiting'),
      node('below', 'waiting', ['ask']),
    ];
    expect(plan(nodes, { maxParallel: 1 }).admit).toEqual(['ask']);
    expect(plan(nodes, { maxParallel: 2 }).admit).toEqual(['ask', 'c']);
    expect(plan([node('a', 'completed'), step('open', 'admitted')]).end).toBeNull();
  });

  it('are withdrawn, not cancelled, when the swarm stops, each with the reason (P31)', () => {
    const nodes = [node('bad', 'failed'), step('open', 'admitted'), step('ask', 'waiting')];
    const seen = plan(nodes);
    expect(seen).toMatchObject({ admit: [], cancel: [], end: null });
    expect(seen.withdraw).toEqual([
      { id: 'open', reason: '"bad" failed and the swarm stops at the first failure' },
    ]);
    expect(plan(nodes, { onFailure: 'continue' })).toMatchObject({ admit: ['ask'], withdraw: [] });
    expect(plan(nodes, { cancelRequested: true }).withdraw).toEqual([
      { id: 'open', reason: 'the swarm was cancelled' },
    ]);
  });
});

describe('what a failure does', () => {
  const nodes = [
    node('bad', 'failed'),
    node('open', 'admitted'),
    node('free', 'waiting'),
    node('below', 'waiting', ['bad']),
    node('deeper', 'waiting', ['free', 'below']),
  ];

  it('fail-fast admits nothing more, skips what waits and cancels what is open (P31)', () => {
    const seen = plan(nodes);
    expect(seen.admit).toEqual([]);
    expect(seen.skip.map(({ id }) => id)).toEqual(['free', 'below', 'deeper']);
    expect(seen.skip[0]?.reason).toContain('"bad" failed');
    expect(seen.cancel).toEqual(['open']);
    expect(seen.end).toBeNull();
  });

  it('continue skips only what needs the failed node, directly or not (P31)', () => {
    const seen = plan(nodes, { onFailure: 'continue' });
    expect(seen.admit).toEqual(['free']);
    expect(seen.skip).toEqual([
      { id: 'below', reason: 'it needs "bad", which did not complete' },
      { id: 'deeper', reason: 'it needs "below", which did not complete' },
    ]);
    expect(seen.cancel).toEqual([]);
  });

  it('a swarm with a failed node ends as failed when nothing is left (P31)', () => {
    const left = [node('a', 'completed'), node('b', 'failed'), node('c', 'waiting', ['b'])];
    expect(plan(left, { onFailure: 'continue' }).end).toBe('failed');
    expect(plan(left).end).toBe('failed');
  });
});

describe('what a cancel does', () => {
  it('everything that waits is skipped, everything open is cancelled, and it ends when nothing is open (P31)', () => {
    const nodes = [node('a', 'completed'), node('b', 'admitted'), node('c', 'waiting')];
    const first = plan(nodes, { cancelRequested: true, state: 'paused' });
    expect(first).toMatchObject({ admit: [], cancel: ['b'], end: null });
    expect(first.skip.map(({ id }) => id)).toEqual(['c']);
    const last = plan([node('a', 'completed'), node('b', 'failed'), node('c', 'skipped')], {
      cancelRequested: true,
    });
    expect(last.end).toBe('cancelled');
  });

  it('a cancel that finds everything completed changes nothing (P31)', () => {
    expect(plan([node('a', 'completed')], { cancelRequested: true }).end).toBe('completed');
  });
});

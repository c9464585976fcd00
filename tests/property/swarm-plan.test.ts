import assert from 'node:assert/strict';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  planSwarm,
  type SwarmNodeState,
  type SwarmSituation,
} from '../../src/domain/swarm-plan.ts';

/**
 * A swarm played to its end: between two rounds open tasks end well or badly, in any order, a person pauses,
 * resumes, scales or cancels, and a round may be lost or repeated. The planner sees only rows.
 */

interface Graph {
  readonly dependsOn: readonly (readonly number[])[];
  /** Which of the nodes a person completes; the rest are tasks. */
  readonly approvals: readonly boolean[];
  readonly onFailure: 'fail-fast' | 'continue';
  readonly maxParallel: number;
}

type Step =
  | { readonly kind: 'end-task'; readonly pick: number; readonly well: boolean }
  | { readonly kind: 'pause' | 'resume' | 'cancel' | 'nothing' }
  | { readonly kind: 'scale'; readonly to: number };

const graphs: fc.Arbitrary<Graph> = fc
  .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 14 })
  .chain((raw) =>
    fc.record({
      dependsOn: fc.constant(
        raw.map((picks, index) =>
          index === 0 ? [] : [...new Set(picks.map((pick) => pick % index))],
        ),
      ),
      approvals: fc.array(fc.boolean(), { minLength: raw.length, maxLength: raw.length }),
      onFailure: fc.constantFrom('fail-fast' as const, 'continue' as const),
      maxParallel: fc.integer({ min: 1, max: 5 }),
    }),
  );

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('end-task' as const),
        pick: fc.nat(),
        well: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('pause', 'resume', 'nothing').map((kind) => ({ kind }) as Step),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 5 }).map((to) => ({ kind: 'scale' as const, to })),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'cancel' as const }) },
  ),
  { maxLength: 60 },
);

class Swarm {
  readonly graph: Graph;
  readonly states: SwarmNodeState[];
  paused = false;
  cancelRequested = false;
  cancelled = new Set<number>();
  maxParallel: number;
  end: string | null = null;

  constructor(graph: Graph) {
    this.graph = graph;
    this.states = graph.dependsOn.map(() => 'waiting');
    this.maxParallel = graph.maxParallel;
  }

  situation(): SwarmSituation {
    return {
      state: this.paused ? 'paused' : 'running',
      onFailure: this.graph.onFailure,
      cancelRequested: this.cancelRequested,
      maxParallel: this.maxParallel,
      nodes: this.states.map((state, index) => ({
        id: String(index),
        kind: this.isApproval(index) ? ('approval' as const) : ('task' as const),
        state,
        dependsOn: (this.graph.dependsOn[index] ?? []).map(String),
      })),
    };
  }

  isApproval(index: number): boolean {
    return this.graph.approvals[index] ?? false;
  }

  openTasks(): number[] {
    return this.open().filter((index) => !this.isApproval(index));
  }

  open(): number[] {
    return this.states.flatMap((state, index) => (state === 'admitted' ? [index] : []));
  }

  round(): void {
    const before = this.situation();
    const failedBefore = before.nodes.some(({ state }) => state === 'failed');
    const plan = planSwarm(before);
    for (const id of plan.admit) {
      const index = Number(id);
      assert.equal(this.states[index], 'waiting');
      for (const dependency of this.graph.dependsOn[index] ?? []) {
        assert.equal(this.states[dependency], 'completed');
      }
      this.states[index] = 'admitted';
    }
    if (plan.admit.some((id) => !this.isApproval(Number(id)))) {
      assert.ok(this.openTasks().length <= this.maxParallel);
    }
    if (plan.admit.length > 0) {
      assert.ok(!this.paused && !this.cancelRequested);
      assert.ok(!failedBefore || this.graph.onFailure === 'continue');
    }
    for (const { id } of plan.skip) {
      assert.equal(this.states[Number(id)], 'waiting');
      this.states[Number(id)] = 'skipped';
    }
    for (const id of plan.cancel) {
      assert.ok(!this.isApproval(Number(id)));
      this.cancelled.add(Number(id));
    }
    for (const { id } of plan.withdraw) {
      assert.ok(this.isApproval(Number(id)) && this.states[Number(id)] === 'admitted');
      this.states[Number(id)] = 'skipped';
    }
    this.end = plan.end;
  }

  apply(step: Step): void {
    if (step.kind === 'pause') this.paused = true;
    if (step.kind === 'resume') this.paused = false;
    if (step.kind === 'cancel') this.cancelRequested = true;
    if (step.kind === 'scale') this.maxParallel = step.to;
    if (step.kind !== 'end-task') return;
    const open = this.open();
    const index = open[step.pick % Math.max(1, open.length)];
    if (index === undefined) return;
    // A task that was asked to end may still have been quicker.
    this.states[index] = step.well ? 'completed' : 'failed';
  }
}

describe('a swarm played to its end', () => {
  it('never opens more than maxParallel, never before its dependencies, and always ends (P31)', () => {
    fc.assert(
      fc.property(graphs, steps, (graph, script) => {
        const swarm = new Swarm(graph);
        for (const step of script) {
          swarm.round();
          if (swarm.end !== null) break;
          swarm.apply(step);
        }
        swarm.paused = false;
        for (let rounds = 0; swarm.end === null; rounds += 1) {
          expect(rounds).toBeLessThanOrEqual(2 * graph.dependsOn.length + 2);
          swarm.round();
          const [first] = swarm.open();
          if (first !== undefined)
            swarm.states[first] = swarm.cancelled.has(first) ? 'failed' : 'completed';
        }
        expect(swarm.states).not.toContain('waiting');
        expect(swarm.states).not.toContain('admitted');
        const allWell = swarm.states.every((state) => state === 'completed');
        expect(swarm.end).toBe(
          allWell ? 'completed' : swarm.cancelRequested ? 'cancelled' : 'failed',
        );
      }),
      { numRuns: 500 },
    );
  });

  it('a round that is planned twice from the same rows plans the same (P31)', () => {
    fc.assert(
      fc.property(graphs, steps, (graph, script) => {
        const swarm = new Swarm(graph);
        for (const step of script) {
          expect(planSwarm(swarm.situation())).toEqual(planSwarm(swarm.situation()));
          swarm.round();
          swarm.apply(step);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('with continue, exactly the nodes that no failure cuts off run (P31)', () => {
    const scenario = fc.tuple(graphs, fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }));
    fc.assert(
      fc.property(scenario, ([graph, fails]) => {
        const swarm = new Swarm({ ...graph, onFailure: 'continue' });
        for (let rounds = 0; swarm.end === null; rounds += 1) {
          expect(rounds).toBeLessThanOrEqual(graph.dependsOn.length + 1);
          swarm.round();
          for (const index of swarm.open()) {
            swarm.states[index] = fails[index] === true ? 'failed' : 'completed';
          }
        }
        const completes = (index: number): boolean => fails[index] !== true && reaches(index);
        const reaches = (index: number): boolean =>
          (graph.dependsOn[index] ?? []).every((dependency) => completes(dependency));
        swarm.states.forEach((state, index) => {
          expect(state).toBe(
            !reaches(index) ? 'skipped' : completes(index) ? 'completed' : 'failed',
          );
        });
      }),
      { numRuns: 200 },
    );
  });
});

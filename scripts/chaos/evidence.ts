import type { TaskState } from '../../src/domain/task.ts';
import { executionsOf, type Execution } from './executions.ts';
import type { Seen, SeenRequest } from './witness.ts';
import type { Expectation } from './workload.ts';

/** A task as the client knows it: what it asked for, and what it was answered. */
export interface ClientTask {
  readonly taskId: string;
  /** Place in the order of the client's submits; of a session's tasks this is the order that must hold. */
  readonly submitted: number;
  readonly session: string | null;
  readonly expectation: Expectation;
  /** `<swarmId>/<nodeId>` of a swarm's task. */
  readonly node: string | null;
  /** Every state after which nothing may follow that the client was told, in the order of the answers. */
  readonly endsTold: readonly TaskState[];
  /** When the client first knew of the end; null: never. */
  readonly endKnownAtMs: number | null;
  readonly state: TaskState;
  readonly output: string | null;
  /** Decisions of the judge, in order. */
  readonly decisions: readonly {
    readonly attempt: number;
    readonly decision: 'accept' | 'retry' | 'discard';
  }[];
}

export interface ClientSwarm {
  readonly swarmId: string;
  readonly state: string;
  /** Answers that its last node must have been given to read; empty when nothing depends on all of them. */
  readonly reduceNode: string | null;
  readonly mapAnswers: readonly string[];
}

/** All that the checker may know: the gateways' own logs and what the client was told. No row of Dash is asked. */
export interface Testimony {
  readonly gateways: readonly {
    readonly gatewayId: string;
    readonly lanes: number;
    readonly log: readonly Seen[];
  }[];
  readonly tasks: readonly ClientTask[];
  readonly swarms: readonly ClientSwarm[];
  /** Lanes that the API says are held when nothing is left to do. */
  readonly lanesHeld: readonly { readonly gatewayId: string; readonly held: number }[];
  /** Tasks that the API shows and the client never submitted. */
  readonly unasked: readonly string[];
}

/** What the checks share: each gateway's turns, in one list by their start. */
export interface Evidence extends Testimony {
  readonly executions: readonly Execution[];
  readonly requests: readonly (SeenRequest & { readonly gatewayId: string })[];
}

export function evidenceOf(testimony: Testimony): Evidence {
  const { gateways } = testimony;
  return {
    ...testimony,
    executions: gateways
      .flatMap(({ gatewayId, log }) => executionsOf(gatewayId, log))
      .toSorted((left, right) => left.startedAtMs - right.startedAtMs),
    requests: gateways.flatMap(({ gatewayId, log }) =>
      log.flatMap((entry) => (entry.kind === 'request' ? [{ ...entry, gatewayId }] : [])),
    ),
  };
}

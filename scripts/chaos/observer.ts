import type { DashClient } from '../../src/contract/client.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { isTerminal, TASK_STATES, type TaskState } from '../../src/domain/task.ts';
import { evidenceOf, type Evidence } from './evidence.ts';
import { judge } from './judge.ts';
import type { Submitter } from './submitter.ts';
import type { Witness } from './witness.ts';

/** A decision of the judge about an attempt that Dash called indeterminate. */
export interface Decided {
  readonly taskId: string;
  readonly attempt: number;
  /** Why Dash did not know. */
  readonly reason: string;
  readonly decision: 'accept' | 'retry' | 'discard';
  /** What the wire logs show. */
  readonly why: string;
}

interface Known {
  readonly ends: TaskState[];
  endKnownAtMs: number | null;
  state: TaskState;
}

export interface ObserverOptions {
  readonly client: DashClient;
  readonly submitter: Submitter;
  readonly witnesses: readonly Witness[];
  readonly clock: Clock;
}

const PAGE = 200;
const AT_ONCE = 8;
const OPEN_STATES = TASK_STATES.filter((state) => !isTerminal(state));

/** What the client sees of its tasks while they run, and what it decides about those of which nobody knows the end. */
export class Observer {
  readonly #decided = new Map<string, Decided>();
  readonly #options: ObserverOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /**
   * Reads the state of every open task, and of each that has left their list since, and decides what can be decided.
   * Throws when the API is away.
   */
  async look(isCalm: boolean): Promise<void> {
    const listed = await this.#listOpen();
    const { submitter, client } = this.#options;
    const gone = [
      ...[...this.#known].filter(([id, { state }]) => !isTerminal(state) && !listed.has(id)),
      ...submitter.accepted
        .filter(({ kind, id }) => kind === 'task' && !this.#known.has(id))
        .map(({ id }) => [id] as const),
    ].map(([id]) => id);
    for (let from = 0; from < gone.length; from += AT_ONCE) {
      await Promise.all(
        gone.slice(from, from + AT_ONCE).map(async (taskId) => {
          this.note(taskId, (await client.tasks.get({ params: { taskId } })).state);
        }),
      );
    }
    const open = [...this.#known].filter(([, { state }]) => state === 'deciding');
    if (open.length === 0) return;
    const { witnesses } = this.#options;
    await Promise.all(witnesses.map((witness) => witness.refresh()));
    const evidence = this.#evidence();
    for (const [taskId] of open) await this.#decide(taskId, { ...evidence, isCalm });
  }

  async #listOpen(): Promise<Set<string>> {
    const { client } = this.#options;
    const listed = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await client.tasks.list({
        query: { state: OPEN_STATES, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
      });
      for (const { id, state } of page.items) {
        listed.add(id);
        this.note(id, state);
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return listed;
  }

  /** Tasks that have ended, for the progress. */
  endedCount(): number {
    return [...this.#known.values()].filter(({ state }) => isTerminal(state)).length;
  }

  /** How often each state stands now. */
  states(): Readonly<Record<string, number>> {
    const all = [...this.#known.values()].map(({ state }) => state);
    return Object.fromEntries(
      [...Map.groupBy(all, (state) => state)].map(([state, members]) => [state, members.length]),
    );
  }

  /** True when all accepted work has ended, swarms included. */
  async isAllEnded(): Promise<boolean> {
    const { client, submitter } = this.#options;
    const tasks = submitter.accepted.filter(({ kind }) => kind === 'task');
    if (!tasks.every(({ id }) => isTerminal(this.#known.get(id)?.state ?? 'queued'))) return false;
    const { items } = await client.swarms.list({
      query: { state: ['running', 'paused'], limit: PAGE },
    });
    return items.length === 0 && this.endedCount() === this.#known.size;
  }

  /** The ends that the client was told of one task, in order, and when it knew of the first. */
  endsOf(taskId: string): {
    readonly told: readonly TaskState[];
    readonly knownAtMs: number | null;
  } {
    const known = this.#known.get(taskId);
    return { told: known?.ends ?? [], knownAtMs: known?.endKnownAtMs ?? null };
  }

  decisions(): Decided[] {
    return [...this.#decided.values()];
  }

  /** Takes down one answer about a task. */
  note(taskId: string, state: TaskState): void {
    const known = this.#known.get(taskId) ?? { ends: [], endKnownAtMs: null, state };
    this.#known.set(taskId, known);
    known.state = state;
    const isNews = known.ends.length > 0 ? known.ends.at(-1) !== state : isTerminal(state);
    if (!isNews) return;
    known.ends.push(state);
    known.endKnownAtMs ??= this.#options.clock.now();
  }

  async #decide(taskId: string, logs: Evidence & { readonly isCalm: boolean }): Promise<void> {
    const { client } = this.#options;
    const { items } = await client.tasks.attempts({ params: { taskId } });
    const open = items.find(({ state }) => state === 'indeterminate');
    if (open === undefined || open.decision !== null) return;
    const { number: attempt, id: attemptId, indeterminateReason } = open;
    const judgement = judge({ taskId, attempt }, logs);
    const { kind, why } = judgement;
    if (kind === 'wait') return;
    // Before it is sent: the answer may get lost, and the decision stand.
    const reason = indeterminateReason ?? 'unknown';
    this.#decided.set(attemptId, { taskId, attempt, reason, decision: kind, why });
    await client.tasks.decide({
      params: { taskId },
      body:
        kind === 'accept'
          ? { decision: kind, output: judgement.output, attemptId }
          : { decision: kind, attemptId },
    });
  }

  #evidence(): Evidence {
    const { witnesses } = this.#options;
    const gateways = witnesses.map((witness) => ({ ...witness, log: witness.look() }));
    return evidenceOf({ gateways, tasks: [], swarms: [], lanesHeld: [], unasked: [] });
  }
}

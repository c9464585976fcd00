import type { SubmitTask } from '../../src/contract/task-dto.ts';
import type { SwarmSpecInput } from '../../src/domain/swarm-schema.ts';
import { createRandom, type Random } from './random.ts';

/** What the client knows about a task from the moment it asks for it; the checker compares the world with this. */
export interface Expectation {
  /** The words that the gateway will answer; null: this task fails at the gateway every time. */
  readonly answer: string | null;
  /** How many failed runs bury it; 0 for one that answers. */
  readonly failures: number;
  readonly mayBeCancelled: boolean;
}

export interface TaskWish {
  readonly kind: 'task';
  readonly idempotencyKey: string;
  readonly body: SubmitTask;
  readonly expectation: Expectation;
  /** After the acceptance; null: never. */
  readonly cancelAfterMs: number | null;
  /** Submits once more with the same key, as after a lost answer. */
  readonly repeats: boolean;
  readonly pauseMs: number;
}

export interface SwarmWish {
  readonly kind: 'swarm';
  readonly idempotencyKey: string;
  readonly body: SwarmSpecInput;
  /** By node id. */
  readonly answers: Readonly<Record<string, string>>;
  readonly repeats: boolean;
  readonly pauseMs: number;
}

export type Wish = TaskWish | SwarmWish;

/** Wishes that one client makes one after the other; the tasks of a session all stand in one line. */
export type Line = readonly Wish[];

const SWARM_SHARE = 0.2;
const SESSION_SHARE = 0.3;
const TASKS_PER_SWARM = 10;
const TASKS_PER_SESSION = 8;
const TASKS_PER_LINE = 10;
const BAD_REQUEST_SHARE = 0.05;
const UNAVAILABLE_SHARE = 0.05;
const CANCEL_SHARE = 0.1;
const REPEAT_SHARE = 0.15;
const LONG_SHARE = 0.4;
/** Submits go on while the strikes fall. */
const LONGEST_PAUSE_MS = 4_000;

/** Plans `tasks` tasks: swarms, sessions, plain ones, some that fail and some that are cancelled. Pure. */
export function planWorkload(options: {
  readonly tasks: number;
  readonly seed: number;
  /** No task fails: a real gateway makes a provider that fails wait, and with it the tasks that come after. */
  readonly allAnswer?: boolean;
}): Line[] {
  const random = createRandom(options.seed, 'workload');
  const swarmCount = Math.floor((options.tasks * SWARM_SHARE) / TASKS_PER_SWARM);
  const sessionTasks = Math.floor(options.tasks * SESSION_SHARE);
  const plainTasks = options.tasks - swarmCount * TASKS_PER_SWARM - sessionTasks;
  const plan = new Planner(random, options.seed, options.allAnswer === true);
  const sessions = Math.ceil(sessionTasks / TASKS_PER_SESSION);
  const sessionLines = Array.from({ length: sessions }, (_, index) => {
    const size = Math.min(TASKS_PER_SESSION, sessionTasks - index * TASKS_PER_SESSION);
    return Array.from({ length: size }, () => plan.inSession(`talk-${index + 1}`));
  });
  const others = random.shuffled<Wish>([
    ...Array.from({ length: swarmCount }, (_, index) => plan.swarm(index)),
    ...Array.from({ length: plainTasks }, () => plan.plain()),
  ]);
  const lines: Wish[][] = [];
  for (let from = 0; from < others.length; from += TASKS_PER_LINE) {
    lines.push(others.slice(from, from + TASKS_PER_LINE));
  }
  return random.shuffled([...sessionLines, ...lines]);
}

class Planner {
  readonly #random: Random;
  readonly #seed: number;
  readonly #allAnswer: boolean;
  #count = 0;

  constructor(random: Random, seed: number, allAnswer: boolean) {
    this.#allAnswer = allAnswer;
    this.#random = random;
    this.#seed = seed;
  }

  inSession(session: string): TaskWish {
    const number = this.#next();
    const answer = `answer ${number}`;
    return {
      ...this.#common(number),
      kind: 'task',
      body: { prompt: `${this.#work(number)} [[say:${answer}]]`, session },
      expectation: { answer, failures: 0, mayBeCancelled: false },
      cancelAfterMs: null,
    };
  }

  plain(): TaskWish {
    const random = this.#random;
    const number = this.#next();
    const common = this.#common(number);
    const work = this.#work(number);
    const priority = random.pick(['high', 'normal', 'normal', 'low'] as const);
    if (!this.#allAnswer && random.chance(BAD_REQUEST_SHARE)) {
      const body = { prompt: `${work} [[status:400]]`, priority };
      return { ...common, kind: 'task', body, expectation: failing(1), cancelAfterMs: null };
    }
    if (!this.#allAnswer && random.chance(UNAVAILABLE_SHARE)) {
      const body = { prompt: `${work} [[status:503]]`, priority, maxAttempts: 2 };
      return { ...common, kind: 'task', body, expectation: failing(2), cancelAfterMs: null };
    }
    const answer = `answer ${number}`;
    const isCancelled = random.chance(CANCEL_SHARE);
    return {
      ...common,
      kind: 'task',
      body: { prompt: `${work} [[say:${answer}]]`, priority },
      expectation: { answer, failures: 0, mayBeCancelled: isCancelled },
      cancelAfterMs: isCancelled ? random.int(0, 2_000) : null,
    };
  }

  /** Every other one is a map-reduce, the rest are pipelines: `TASKS_PER_SWARM` tasks each. */
  swarm(index: number): SwarmWish {
    return index % 2 === 0 ? this.#mapReduce() : this.#pipeline();
  }

  #mapReduce(): SwarmWish {
    const number = this.#next();
    const items = Array.from(
      { length: TASKS_PER_SWARM - 1 },
      (_, at) => `item ${number}.${at + 1}`,
    );
    const sleepMs = this.#sleepMs();
    return {
      ...this.#common(number),
      kind: 'swarm',
      body: {
        name: `chaos-map-reduce-${number}`,
        strategy: 'map-reduce',
        items,
        map: { prompt: `Map [[sleep:${sleepMs}]] [[say:found {{item}}]]` },
        reduce: { prompt: `[[sleep:300]] [[say:reduced ${number}]] Put together: {{outputs}}` },
      },
      answers: {
        ...Object.fromEntries(items.map((item, at) => [`map-${at + 1}`, `found ${item}`])),
        reduce: `reduced ${number}`,
      },
    };
  }

  #pipeline(): SwarmWish {
    const number = this.#next();
    const ids = Array.from({ length: TASKS_PER_SWARM }, (_, at) => `step-${at + 1}`);
    return {
      ...this.#common(number),
      kind: 'swarm',
      body: {
        name: `chaos-pipeline-${number}`,
        strategy: 'pipeline',
        steps: ids.map((id, at) => ({
          id,
          prompt:
            `[[sleep:${this.#random.int(50, 300)}]] [[say:did ${number}.${id}]]` +
            (at === 0 ? '' : ' After: {{previous.output}}'),
        })),
      },
      answers: Object.fromEntries(ids.map((id) => [id, `did ${number}.${id}`])),
    };
  }

  #common(number: number): { idempotencyKey: string; repeats: boolean; pauseMs: number } {
    return {
      idempotencyKey: `chaos-${this.#seed}-${number}`,
      repeats: this.#random.chance(REPEAT_SHARE),
      pauseMs: this.#random.int(0, LONGEST_PAUSE_MS),
    };
  }

  #work(number: number): string {
    return `Task ${number} [[sleep:${this.#sleepMs()}]]`;
  }

  /** Mostly short, some long enough to be met by a kill in the middle. */
  #sleepMs(): number {
    const random = this.#random;
    return random.chance(LONG_SHARE) ? random.int(1_500, 4_000) : random.int(50, 800);
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

function failing(failures: number): Expectation {
  return { answer: null, failures, mayBeCancelled: false };
}

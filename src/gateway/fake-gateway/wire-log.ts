import { appendFileSync, readFileSync } from 'node:fs';

/** Everything a fake gateway saw and did, in order: the witness of every proof. */
export type WireEntry = FrameEntry | RunEntry | BootEntry;

export interface FrameEntry {
  readonly kind: 'frame';
  readonly atMs: number;
  /** `in`: from a client. */
  readonly direction: 'in' | 'out';
  readonly connection: number;
  readonly frame: unknown;
}

export interface RunEntry {
  readonly kind: 'run-start' | 'run-end';
  readonly atMs: number;
  readonly bootId: string;
  readonly runId: string;
  readonly sessionKey: string;
  /** The run whose turn this one resumes after a crash; null for a run that somebody sent. */
  readonly resumes: string | null;
  /** Of a `run-end`. A crash writes no end. */
  readonly outcome?: 'done' | 'failed' | 'aborted' | 'timed-out';
}

export interface BootEntry {
  readonly kind: 'boot' | 'crash' | 'shutdown' | 'wipe';
  readonly atMs: number;
  readonly bootId: string;
}

/** `runs` keeps no frames: for long and large measurements. */
export type WireLogDetail = 'all' | 'runs';

/**
 * The record and the questions that proofs ask it. With a file it also writes one JSON line per entry, at once, so
 * that it survives a SIGKILL of the process.
 */
export class WireLog {
  readonly #entries: WireEntry[] = [];
  readonly #detail: WireLogDetail;
  readonly #path: string | null;

  constructor(options: { readonly detail?: WireLogDetail; readonly path?: string | null } = {}) {
    this.#detail = options.detail ?? 'all';
    this.#path = options.path ?? null;
  }

  /** The log that another process wrote; a half-written last line is left out. */
  static fromFile(path: string): WireLog {
    const log = new WireLog();
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (!line.endsWith('}')) continue;
      log.#entries.push(JSON.parse(line) as WireEntry);
    }
    return log;
  }

  get keepsFrames(): boolean {
    return this.#detail === 'all';
  }

  add(entry: WireEntry): void {
    if (entry.kind === 'frame' && this.#detail === 'runs') return;
    this.#entries.push(entry);
    if (this.#path !== null) appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }

  entries(): readonly WireEntry[] {
    return this.#entries;
  }

  runStarts(): readonly RunEntry[] {
    return this.#entries.filter((entry): entry is RunEntry => entry.kind === 'run-start');
  }

  /** Requests of one method that clients sent, in order. */
  requests(method: string): readonly Readonly<Record<string, unknown>>[] {
    return this.#entries.flatMap((entry) => {
      if (entry.kind !== 'frame' || entry.direction !== 'in') return [];
      const frame = entry.frame as Readonly<Record<string, unknown>>;
      return frame['type'] === 'req' && frame['method'] === method ? [frame] : [];
    });
  }

  /** How often this run id began to execute. */
  executions(runId: string): number {
    return this.runStarts().filter((entry) => entry.runId === runId).length;
  }

  /** Every start of a task's runs, the gateway's own recoveries of them included. */
  runsStarted(taskId: string): readonly RunEntry[] {
    return this.runStarts().filter((entry) => taskOf(rootOf(entry)) === taskId);
  }

  /** Answers given to a task: ends of its runs (or of their recoveries) that were good. */
  answers(taskId: string): readonly RunEntry[] {
    return this.#entries.filter(
      (entry): entry is RunEntry =>
        entry.kind === 'run-end' && entry.outcome === 'done' && taskOf(rootOf(entry)) === taskId,
    );
  }

  /** The most runs that executed at one time, in one session or in the whole gateway. A crash ends all. */
  maxOverlap(sessionKey?: string): number {
    const running = new Set<string>();
    let most = 0;
    for (const entry of this.#entries) {
      if (entry.kind === 'crash' || entry.kind === 'boot' || entry.kind === 'shutdown')
        running.clear();
      if (entry.kind !== 'run-start' && entry.kind !== 'run-end') continue;
      if (sessionKey !== undefined && entry.sessionKey !== sessionKey.toLowerCase()) continue;
      if (entry.kind === 'run-end') running.delete(entry.runId);
      else most = Math.max(most, running.add(entry.runId).size);
    }
    return most;
  }

  /** Runs that began and did not end in the boot they began in, unless that boot crashed. */
  runningNow(): readonly string[] {
    const running = new Set<string>();
    for (const entry of this.#entries) {
      if (entry.kind === 'crash' || entry.kind === 'shutdown') running.clear();
      if (entry.kind === 'run-start') running.add(entry.runId);
      if (entry.kind === 'run-end') running.delete(entry.runId);
    }
    return [...running];
  }
}

function rootOf(entry: RunEntry): string {
  return entry.resumes ?? entry.runId;
}

/** Dash names runs `<taskId>-a<n>` and `<taskId>-a<n>r<m>`; other runs belong to no task. */
function taskOf(runId: string): string | null {
  return /^(.+)-a\d+(?:r\d+)?$/.exec(runId)?.[1] ?? null;
}

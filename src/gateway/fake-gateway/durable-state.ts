import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type SessionStatus = 'running' | 'done' | 'failed' | 'killed' | 'timeout';

/** A transcript row as `chat.history` shows it. */
export type StoredRow = Readonly<Record<string, unknown>>;

export interface PendingInput {
  readonly id: string;
  readonly runId: string;
  readonly acceptedAt: number;
  readonly state: 'queued' | 'interrupted' | 'cancelled';
  readonly message: Readonly<Record<string, unknown>>;
}

export interface SessionFields {
  readonly sessionId: string;
  readonly agentId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly status: SessionStatus | null;
  readonly lastRunId: string | null;
  readonly lastRunError: string | null;
  readonly abortedLastRun: boolean;
  /** The run whose turn is open: a crash finds it here and resumes it. */
  readonly openRunId: string | null;
  /** The prompt that the open turn was started with. */
  readonly openPrompt: string | null;
  /** How often the open turn has been resumed. */
  readonly recoveries: number;
  readonly pending: readonly PendingInput[];
}

export interface StoredSession extends SessionFields {
  readonly key: string;
  readonly rows: StoredRow[];
}

/** A row of the tasks ledger as `tasks.list` shows it. */
export interface StoredTask {
  readonly taskId: string;
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly title: string;
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled' | 'timed_out';
  readonly execution: 'queued' | 'running' | 'finished';
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endedAt: number | null;
  readonly error: string | null;
}

type JournalLine =
  | { readonly op: 'session'; readonly key: string; readonly fields: Partial<SessionFields> }
  | { readonly op: 'row'; readonly key: string; readonly row: StoredRow }
  | { readonly op: 'task'; readonly task: StoredTask }
  | { readonly op: 'wipe' };

/**
 * What a real gateway keeps in its state directory: sessions, transcripts, pending inputs, the ledger. It outlives
 * every boot of the fake. With a file, each change is appended before it takes effect, so it outlives the process.
 */
export class DurableState {
  readonly #sessions = new Map<string, StoredSession>();
  readonly #tasks = new Map<string, StoredTask>();
  readonly #runsOf = new Map<string, Set<string>>();
  readonly #path: string | null;

  constructor(path: string | null = null) {
    this.#path = path;
    if (path === null || !existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      // A SIGKILL in the middle of an append leaves half a line: that change never happened.
      if (line.endsWith('}')) this.#apply(JSON.parse(line) as JournalLine);
    }
  }

  session(key: string): StoredSession | null {
    return this.#sessions.get(key) ?? null;
  }

  sessions(): readonly StoredSession[] {
    return [...this.#sessions.values()];
  }

  /** Newest first, as the gateway lists them; of one session when a key is given. */
  tasks(sessionKey?: string): readonly StoredTask[] {
    const found =
      sessionKey === undefined
        ? [...this.#tasks.values()]
        : [...(this.#runsOf.get(sessionKey) ?? [])].flatMap((runId) => this.task(runId) ?? []);
    return found.reverse();
  }

  task(runId: string): StoredTask | null {
    return this.#tasks.get(runId) ?? null;
  }

  /** The session of this key, made when absent. */
  openSession(key: string, agentId: string, atMs: number): StoredSession {
    const existing = this.session(key);
    if (existing !== null) return existing;
    this.patch(key, {
      sessionId: crypto.randomUUID(),
      agentId,
      createdAt: atMs,
      updatedAt: atMs,
      status: null,
      lastRunId: null,
      lastRunError: null,
      abortedLastRun: false,
      openRunId: null,
      openPrompt: null,
      recoveries: 0,
      pending: [],
    });
    const made = this.session(key);
    if (made === null) throw new Error(`the session ${key} was not stored`);
    return made;
  }

  patch(key: string, fields: Partial<SessionFields>): void {
    this.#write({ op: 'session', key, fields });
  }

  appendRow(key: string, row: StoredRow): void {
    this.#write({ op: 'row', key, row });
  }

  putTask(task: StoredTask): void {
    this.#write({ op: 'task', task });
  }

  wipe(): void {
    this.#write({ op: 'wipe' });
  }

  #write(line: JournalLine): void {
    if (this.#path !== null) appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    this.#apply(line);
  }

  #apply(line: JournalLine): void {
    switch (line.op) {
      case 'session': {
        const existing = this.#sessions.get(line.key);
        const base = existing ?? ({ key: line.key, rows: [] } as unknown as StoredSession);
        this.#sessions.set(line.key, { ...base, ...line.fields });
        return;
      }
      case 'row': {
        this.#sessions.get(line.key)?.rows.push(line.row);
        return;
      }
      case 'task':
        this.#tasks.set(line.task.runId, line.task);
        this.#runsOf.set(
          line.task.sessionKey,
          (this.#runsOf.get(line.task.sessionKey) ?? new Set()).add(line.task.runId),
        );
        return;
      case 'wipe':
        this.#sessions.clear();
        this.#tasks.clear();
        this.#runsOf.clear();
        return;
    }
  }
}

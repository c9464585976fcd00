import type { ChildExit } from '../../src/local/child.ts';
import { signal } from '../../src/local/process-record.ts';

export const PART_KINDS = ['host', 'control', 'api', 'gateway', 'temporal', 'postgres'] as const;
export type PartKind = (typeof PART_KINDS)[number];

/** One life of a program. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  stop(): Promise<void>;
}

export interface PartOptions {
  readonly kind: PartKind;
  readonly name: string;
  /** Starts the program; on the same port and data as in its lives before. */
  readonly launch: () => Promise<Running>;
  /** True when it does its work. */
  readonly isReady: () => Promise<boolean>;
  /** It ended although nobody killed it. */
  readonly onCrash: (what: string) => void;
}

/** One process of the installation that is killed, frozen and started again. */
export class Part {
  readonly kind: PartKind;
  readonly name: string;
  readonly isReady: () => Promise<boolean>;
  readonly #options: PartOptions;
  #running: Running | null = null;
  #starting: Promise<void> | null = null;
  #isFrozen = false;
  #isClosed = false;

  constructor(options: PartOptions) {
    this.kind = options.kind;
    this.name = options.name;
    this.isReady = options.isReady;
    this.#options = options;
  }

  /** Started, neither killed nor frozen. */
  isUp(): boolean {
    return this.#running !== null && !this.#isFrozen;
  }

  /** After `close` it does nothing. */
  async start(): Promise<void> {
    if (this.#isClosed || this.#running !== null) return;
    this.#starting ??= this.#launch().finally(() => {
      this.#starting = null;
    });
    await this.#starting;
  }

  /** SIGKILL, to this process alone. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#isFrozen = false;
    signal(running.pid, 'SIGKILL');
    await running.exited;
  }

  freeze(): void {
    if (this.#running === null) return;
    this.#isFrozen = true;
    signal(this.#running.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (!this.#isFrozen || this.#running === null) return;
    this.#isFrozen = false;
    signal(this.#running.pid, 'SIGCONT');
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#starting?.catch(() => undefined);
    this.thaw();
    const running = this.#running;
    this.#running = null;
    await running?.stop();
  }

  async #launch(): Promise<void> {
    const running = await this.#options.launch();
    this.#running = running;
    void running.exited.then(({ code, signal: name }) => {
      if (this.#running !== running) return;
      this.#running = null;
      const { onCrash } = this.#options;
      onCrash(`${this.name} ended by itself (${name ?? `exit code ${String(code)}`})`);
      return this.start().catch((error: unknown) =>
        onCrash(`${this.name} did not start again: ${String(error)}`),
      );
    });
  }
}

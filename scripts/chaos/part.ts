import { writeFileSync } from 'node:fs';
import type { ChildExit } from '../../src/local/child.ts';
import { signal } from '../../src/local/process-record.ts';
import { descendantsOf } from '../../src/platform/processes.ts';
import type { TcpProxy } from '../../tests/support/tcp-proxy.ts';

export const PART_KINDS = ['host', 'control', 'api', 'gateway', 'temporal', 'postgres'] as const;
export type PartKind = (typeof PART_KINDS)[number];

/** One life of a program. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  stop(): Promise<void>;
  /** SIGKILL, where that of the process alone would leave helpers. */
  kill?(): Promise<void>;
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
  /** Of a gateway: the only way by which Dash reaches it. */
  readonly way?: TcpProxy;
  /** Of a program with a jumping clock: the file that holds by how much it is off. */
  readonly clockFile?: string;
  /** Ends what only this part uses. */
  readonly onClose?: () => Promise<void>;
}

/** One process of the installation that is killed, frozen, cut off or misled, and made well again. */
export class Part {
  readonly kind: PartKind;
  readonly name: string;
  readonly isReady: () => Promise<boolean>;
  /** Weather that one strike made and no other may make before it is over. */
  readonly weather = new Set<'way' | 'clock'>();
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

  /** SIGKILL, to this process alone unless it has helpers of its own. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#isFrozen = false;
    if (running.kill === undefined) signal(running.pid, 'SIGKILL');
    else await running.kill();
    await running.exited;
  }

  /** SIGSTOP, to the process and its helpers: those of PostgreSQL would go on serving. */
  freeze(): void {
    if (this.#running === null) return;
    const { pid } = this.#running;
    this.#isFrozen = true;
    signal(pid, 'SIGSTOP');
    for (const helper of descendantsOf(pid)) signal(helper.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (!this.#isFrozen || this.#running === null) return;
    const { pid } = this.#running;
    this.#isFrozen = false;
    for (const helper of descendantsOf(pid)) signal(helper.pid, 'SIGCONT');
    signal(pid, 'SIGCONT');
  }

  /** The way by which Dash reaches it; throws when it has none. */
  way(): TcpProxy {
    const { way } = this.#options;
    if (way === undefined) throw new Error(`${this.name} has no way that could be disturbed`);
    return way;
  }

  /** Sets its wall clock off by this much, for this life and the next ones; 0: right again. */
  setClock(offsetMs: number): void {
    const { clockFile } = this.#options;
    if (clockFile === undefined) throw new Error(`${this.name} has no clock that could jump`);
    writeFileSync(clockFile, String(offsetMs));
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#starting?.catch(() => undefined);
    this.thaw();
    const running = this.#running;
    this.#running = null;
    await running?.stop();
    await this.#options.way?.close();
    await this.#options.onClose?.();
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

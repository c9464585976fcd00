/**
 * Shows a person that a long step is alive: one redrawn line with a bar or a counter on a terminal,
 * plain lines elsewhere (a start, a sign of life every ten seconds, an end). Colour only where
 * wanted. Guarantee: nothing but whole lines reaches a file or pipe.
 */
import { styleText } from 'node:util';
import type { Clock } from '../platform/clock.ts';

export interface Progress {
  /** A sentence of its own, above whatever step is being drawn. */
  readonly line: (text: string) => void;
  /** Begins a step; it stays open until `done` or `fail`. */
  readonly step: (label: string) => ProgressStep;
}

export interface ProgressStep {
  /** How far: `done` of `total` (a bar), or a bare counter when the total is unknown. `unit` "bytes" prints MB. */
  update(done: number, options?: { total?: number; unit?: 'bytes' | 'items' }): void;
  /** What the step is busy with now. */
  note(text: string): void;
  done(text?: string): void;
  fail(text: string): void;
}

/** The part of a writable stream that progress needs. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

interface Amount {
  readonly done: number;
  readonly total: number | undefined;
  readonly unit: 'bytes' | 'items';
}

const REDRAW_MS = 100;
const SIGN_OF_LIFE_MS = 10_000;
const BAR_WIDTH = 24;
const ERASE = '\r\x1b[2K';

/** Progress on a stream. `color` is the caller's decision (terminal, `NO_COLOR`). */
export function createProgress(options: ProgressOptions): Progress {
  const screen = new Screen(options);
  return { line: (text) => screen.line(text), step: (label) => screen.step(label) };
}

interface ProgressOptions {
  readonly stream: ProgressStream;
  readonly clock: Clock;
  readonly color: boolean;
}

/** Knows which steps are open; the youngest one is the line that a terminal shows. */
class Screen {
  readonly #options: ProgressOptions;
  readonly #isTerminal: boolean;
  readonly #open = new Set<() => string>();

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#isTerminal = options.stream.isTTY === true;
  }

  line(text: string): void {
    this.#options.stream.write(`${this.#isTerminal ? ERASE : ''}${text}\n`);
    this.#redraw();
  }

  step(label: string): ProgressStep {
    const { clock } = this.#options;
    const startedAt = clock.monotonic();
    const ended = new AbortController();
    let amount: Amount | undefined;
    let note = '';
    const seconds = (): string => `${((clock.monotonic() - startedAt) / 1000).toFixed(1)} s`;
    const state = (): string =>
      [label, amount && describe(amount), note, this.#paint('dim', seconds())]
        .filter(Boolean)
        .join('  ');
    const end = (text: string): void => {
      if (ended.signal.aborted) return;
      ended.abort();
      this.#open.delete(state);
      this.line(text);
    };

    this.#open.add(state);
    if (!this.#isTerminal) this.line(`${label} …`);
    this.#redraw();
    void this.#tick(state, ended.signal);
    return {
      update: (done, { total, unit = 'items' } = {}) => void (amount = { done, total, unit }),
      note: (text) => void (note = text),
      done: (text) =>
        end(
          `${this.#paint('green', '✓')} ${text ?? label} ${this.#paint('dim', `(${seconds()})`)}`,
        ),
      fail: (text) => end(`${this.#paint('red', '✗')} ${text}`),
    };
  }

  async #tick(state: () => string, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(this.#isTerminal ? REDRAW_MS : SIGN_OF_LIFE_MS, signal);
      if (signal.aborted) return;
      if (this.#isTerminal) this.#redraw();
      else this.line(`  ${state()}`);
    }
  }

  #redraw(): void {
    const { stream } = this.#options;
    const current = [...this.#open].at(-1);
    if (!this.#isTerminal || current === undefined) return;
    stream.write(ERASE + clip(current(), stream.columns ?? 80));
  }

  #paint(style: 'green' | 'red' | 'dim', text: string): string {
    return this.#options.color ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** Progress for callers that want none. */
export function silentProgress(): Progress {
  const step: ProgressStep = { update() {}, note() {}, done() {}, fail() {} };
  return { line() {}, step: () => step };
}

function describe({ done, total, unit }: Amount): string {
  const show = (value: number): string =>
    unit === 'bytes' ? `${(value / 1_000_000).toFixed(1)} MB` : String(value);
  if (total === undefined || total <= 0) return show(done);
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${bar} ${Math.floor(share * 100)} % (${show(done)} of ${show(total)})`;
}

/** Cuts a line to the terminal's width, so that redrawing it never leaves a second line behind. */
function clip(text: string, columns: number): string {
  // eslint-disable-next-line no-control-regex -- colour codes take no room on the screen
  const plain = text.replace(/\x1b\[[0-9;]*m/g, '');
  return plain.length < columns ? text : `${plain.slice(0, Math.max(0, columns - 2))}…`;
}

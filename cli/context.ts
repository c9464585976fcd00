import type { Clock } from '../src/platform/clock.ts';
import type { Output, OutputStream } from './output/output.ts';

/** What surrounds one call of `dashctl`: all it may know of its process, handed in by `main`. */
export interface CliSurroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: AsyncIterable<string | Uint8Array> & { readonly isTTY?: boolean | undefined };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** Aborts when the person interrupts (Ctrl-C, SIGTERM). */
  readonly signal: AbortSignal;
}

/** The options that every command has. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  readonly dataDir: string | undefined;
}

/** What a command gets to work with. */
export interface CliContext extends Omit<CliSurroundings, 'argv' | 'stdout' | 'stderr'> {
  readonly output: Output;
  readonly options: GlobalOptions;
}

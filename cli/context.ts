import type { DashConfig } from '../src/config/load.ts';
import { createClient, type DashClient } from '../src/contract/client.ts';
import type { Clock } from '../src/platform/clock.ts';
import type { Output, OutputStream } from './output/output.ts';
import type { Target } from './target.ts';

/** What surrounds one call of `dashctl`: all it may know of its process, handed in by `main`. */
export interface CliSurroundings {
  readonly argv: readonly string[];
  /** Of Dash. */
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: AsyncIterable<string | Uint8Array> & { readonly isTTY?: boolean | undefined };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomId: () => string;
  readonly fetch: typeof fetch;
  /** Aborts when the person interrupts (Ctrl-C, SIGTERM). */
  readonly signal: AbortSignal;
  /** The configuration of this process; `dataDir` is what --data-dir says. Throws a ConfigError. */
  readonly loadConfig: (flags: { readonly dataDir?: string }) => Promise<DashConfig>;
}

/** The options that every command has, as given. */
export interface GlobalOptions {
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  readonly dataDir: string | undefined;
}

/** What a command gets to work with. */
export interface CliContext extends Omit<CliSurroundings, 'argv' | 'loadConfig'> {
  readonly output: Output;
  readonly options: GlobalOptions;
  /** Colours are wanted (where a terminal shows them). */
  readonly colorful: boolean;
  /** Settings of flags, environment and dash.yaml. Throws a ConfigError. */
  config(): Promise<DashConfig>;
  /** The address and key in force; throws a CliError when the address is none. */
  target(): Promise<Target>;
  /** The API's client for that target. */
  client(): Promise<DashClient>;
}

/** A client of the API, on the context's own clock and transport. */
export function clientOf(
  surroundings: Pick<CliSurroundings, 'fetch' | 'clock' | 'random'>,
  target: Pick<Target, 'baseUrl' | 'apiKey'>,
): DashClient {
  return createClient({
    baseUrl: target.baseUrl,
    apiKey: target.apiKey ?? '',
    fetch: surroundings.fetch,
    sleep: (ms, signal) => surroundings.clock.sleep(ms, signal),
    random: surroundings.random,
  });
}

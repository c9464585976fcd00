/**
 * The Temporal of one machine: `temporal server start-dev` on loopback, on a file that survives
 * restarts (as fast as memory with a write-ahead log), or in memory for tests.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Clock } from '../platform/clock.ts';
import { listensOn } from '../platform/listeners.ts';
import { startChild, type Child, type ChildExit, type ProcessHome } from './child.ts';
import { choosePort } from './free-port.ts';
import { explainFileError, LocalError } from './local-error.ts';
import type { Progress } from './progress.ts';

export interface TemporalServer {
  /** `host:port` of the frontend. */
  readonly address: string;
  readonly namespace: string;
  /** Temporal Web, or undefined when it was not asked for. */
  readonly uiUrl: string | undefined;
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  /** Asks the server to end, bounded. Idempotent. */
  readonly stop: () => Promise<void>;
}

export interface TemporalServerOptions {
  readonly binaryPath: string;
  /** Holds the log, and the database unless `storage` is `memory`. */
  readonly dataDir: string;
  readonly storage: 'file' | 'memory';
  readonly namespace: string;
  /** Keyword attributes that it is to know. */
  readonly searchAttributes: readonly string[];
  readonly home: ProcessHome;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly progress: Progress;
  /** Default: any free port. */
  readonly port?: number;
  /** `false` = no Temporal Web. Default: any free port. */
  readonly uiPort?: number | false;
  /** Prometheus metrics of the server, on loopback. Default: none that anybody knows of. */
  readonly metricsPort?: number;
}

const START_TIMEOUT_MS = 60_000;
const START_ATTEMPTS = 3;

/**
 * Starts the server and answers when it serves, knows the namespace and the search attributes.
 * Throws a LocalError `temporal-start-failed` with the end of its log.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  try {
    mkdirSync(options.dataDir, { recursive: true });
  } catch (error) {
    throw explainFileError(error, options.dataDir);
  }
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts(options);
    const child = await startProgram(options, ports);
    const address = `127.0.0.1:${ports.port}`;
    try {
      await untilReady({ ...options, address, child, ports });
      return {
        address,
        namespace: options.namespace,
        uiUrl: ports.uiPort === undefined ? undefined : `http://127.0.0.1:${ports.uiPort}`,
        pid: child.pid,
        exited: child.exited,
        stop: () => child.stop(),
      };
    } catch (error) {
      await child.stop();
      if (attempt === START_ATTEMPTS || !/address already in use/i.test(child.logTail(40)))
        throw error;
    }
  }
}

interface Ports {
  readonly port: number;
  readonly uiPort: number | undefined;
}

async function choosePorts(options: TemporalServerOptions): Promise<Ports> {
  const say = options.progress.line;
  const { port } = await choosePort({
    what: 'Temporal',
    say,
    ...(options.port === undefined ? {} : { wanted: options.port }),
  });
  if (options.uiPort === false) return { port, uiPort: undefined };
  const ui = await choosePort({
    what: 'Temporal Web',
    taken: [port],
    say,
    ...(options.uiPort === undefined ? {} : { wanted: options.uiPort }),
  });
  return { port, uiPort: ui.port };
}

function startProgram(options: TemporalServerOptions, { port, uiPort }: Ports): Promise<Child> {
  const storage =
    options.storage === 'memory'
      ? []
      : [
          ...['--db-filename', join(options.dataDir, 'temporal.db')],
          ...['--sqlite-pragma', 'journal_mode=WAL'],
          ...['--sqlite-pragma', 'synchronous=NORMAL'],
        ];
  return startChild({
    what: 'Temporal',
    command: options.binaryPath,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port)],
      ...(uiPort === undefined
        ? ['--headless']
        : ['--ui-ip', '127.0.0.1', '--ui-port', String(uiPort), '--ui-disable-news-fetch']),
      ...['--namespace', options.namespace, '--log-level', 'warn'],
      ...(options.metricsPort === undefined ? [] : ['--metrics-port', String(options.metricsPort)]),
      // A queue reader polls at most 20 times a second otherwise: two waits of 50 ms in each workflow.
      ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=1000'],
      ...options.searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      ...storage,
    ],
    env: serverEnv(options.env),
    logFile: join(options.dataDir, 'temporal.log'),
    home: options.home,
    clock: options.clock,
  });
}

async function untilReady(options: Looked & { child: Child; ports: Ports }): Promise<void> {
  const { child, clock, ports } = options;
  const deadline = clock.monotonic() + START_TIMEOUT_MS;
  const state = { hasEnded: false };
  void child.exited.then(() => (state.hasEnded = true));
  let last: unknown;
  while (!state.hasEnded && clock.monotonic() < deadline) {
    try {
      requireOwnPorts(child.pid, ports);
      return await probe(options);
    } catch (error) {
      last = error;
      await clock.sleep(100);
    }
  }
  const how = state.hasEnded
    ? 'ended while it started'
    : `did not serve within ${START_TIMEOUT_MS / 1000} s (last: ${String(last)})`;
  throw new LocalError({
    code: /no space left|disk is full/i.test(child.logTail())
      ? 'disk-full'
      : 'temporal-start-failed',
    happened: `Temporal ${how}. It said:\n${child.logTail()}\n`,
    toDo: 'Remove the cause and run the command again, or set TEMPORAL_ADDRESS to a server of your own.',
    cause: last,
  });
}

/** Another program may have taken a port since it was chosen: its answers are not those of this server. */
function requireOwnPorts(pid: number, { port, uiPort }: Ports): void {
  const missing = [port, uiPort].find((own) => own !== undefined && !listensOn(pid, own));
  if (missing !== undefined) throw new Error(`it does not listen on port ${missing} yet`);
}

interface Looked extends Pick<TemporalServerOptions, 'namespace' | 'searchAttributes' | 'clock'> {
  readonly address: string;
}

/** One look: connects, then asks for what is needed of this server. Rejects with what is missing. */
async function probe(options: Looked): Promise<void> {
  const { address, namespace, searchAttributes, clock } = options;
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.withDeadline(clock.now() + 2_000, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace,
      });
      const missing = searchAttributes.filter((name) => !(name in (customAttributes ?? {})));
      if (missing.length > 0)
        throw new Error(`search attributes ${missing.join(', ')} are not registered yet`);
    });
  } finally {
    await connection.close();
  }
}

/** TEMPORAL_* of the caller describe some other server or profile; HOME is where the CLI keeps its settings. */
function serverEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: env['PATH'], HOME: env['HOME'] };
}

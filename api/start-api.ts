import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Authenticator } from '../src/auth/authenticator.ts';
import type { Database } from '../src/db/database.ts';
import type { Clock } from '../src/platform/clock.ts';
import type { Logger } from '../src/platform/logger.ts';
import type { Metrics } from '../src/telemetry/metrics.ts';
import type { WorkflowMessages } from '../src/temporal/messages.ts';
import { DEFAULT_API_BOUNDS, type ApiBounds } from './api-deps.ts';
import { createApp } from './app.ts';
import { EventHub } from './events/event-hub.ts';

export interface ApiOptions {
  readonly db: Database;
  readonly messages: WorkflowMessages;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Loopback unless a person asked for more. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** 32 bytes, base64: seals gateway tokens. */
  readonly secretKey: string;
  readonly version: string;
  readonly bounds?: Partial<ApiBounds>;
}

export interface Api {
  readonly url: string;
  readonly port: number;
  /** Ends event streams with a word, lets requests in flight finish, and closes; bounded. Leaves `db` open. */
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 10_000;
const IDLE_CHECK_MS = 50;

/**
 * Starts the API. Everything that a request needs is made before the listener opens; when PostgreSQL is away the API
 * starts all the same and answers 503 until it is back (R45). Throws when it cannot listen there.
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { db, clock, log } = options;
  const bounds = { ...DEFAULT_API_BOUNDS, ...options.bounds };
  const ending = new AbortController();
  const events = new EventHub({ db, clock, pollMs: bounds.eventPollMs });
  const authenticator = new Authenticator({ db, clock });
  const app = createApp({ ...options, bounds, events, authenticator, ending: ending.signal });
  await db.rows('select 1').catch((error: unknown) => {
    log.warn({ err: error }, 'PostgreSQL does not answer yet; until it does the API answers 503');
  });
  const server = createServer(app);
  try {
    await listen(server, options.host, options.port);
  } catch (error) {
    await events.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const url = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  log.info({ url }, 'the API listens');
  return {
    url,
    port,
    close: async () => {
      ending.abort();
      await closeServer(server, clock);
      await events.close();
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(whyNotListening(error, host, port)),
    );
    server.listen(port, host, resolve);
  });
}

/** What to do about the reasons for which listening usually fails. */
const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process does. Choose another port (DASH_API_PORT)',
  EACCES: 'ports below 1024 need privileges. Choose another port (DASH_API_PORT)',
  EADDRNOTAVAIL: 'this machine has no such address. Choose another one (DASH_API_HOST)',
  ENOTFOUND: 'this name has no address. Choose another one (DASH_API_HOST)',
};

function whyNotListening(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const why = LISTEN_HINTS[error.code ?? ''] ?? error.message;
  return new Error(`The API cannot listen on ${host}:${port}: ${why}.`, { cause: error });
}

/** A connection that was kept alive by its client ends as soon as it is idle; after the bound every one does. */
async function closeServer(server: Server, clock: Clock): Promise<void> {
  const closed = new AbortController();
  server.close(() => closed.abort());
  const deadline = clock.monotonic() + CLOSE_WITHIN_MS;
  while (!closed.signal.aborted && clock.monotonic() < deadline) {
    server.closeIdleConnections();
    await clock.sleep(IDLE_CHECK_MS, closed.signal);
  }
  server.closeAllConnections();
}

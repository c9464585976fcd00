import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { ended, isRetryable } from './database-errors.ts';
import { listenOn, type Listener } from './listener.ts';
import type { Tables } from './tables.ts';

/** What the database layer writes to a log; a pino logger fits. */
export interface DatabaseLog {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`; PostgreSQL 17 or newer. */
  readonly url: string;
  /** Shown in pg_stat_activity, so that a person sees who holds what. */
  readonly applicationName: string;
  /** Default 10. A listener has one more, of its own. */
  readonly maxConnections?: number;
  readonly log: DatabaseLog;
}

/** P4: a frozen process must not keep a lock for longer than this. Migrations and retention are excepted. */
export const TRANSACTION_TIMEOUT_MS = 2_000;
/** No statement of Dash takes so long: an answer that is not there by then does not come, and the connection is given up. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Planning what the functions contain is what a new connection spends its first calls on. */
const IDLE_TIMEOUT_MS = 300_000;
const RETRIES = 2;

/**
 * The connections of one process to PostgreSQL, and the two ways in: `call` for the functions of schema `dash`
 * (one statement, one transaction, one round trip) and `kysely` for reads. Rows come back with numbers for
 * `bigint` (all of ours are below 2^53) and ISO 8601 strings in UTC for times.
 */
export class Database {
  readonly pool: pg.Pool;
  readonly kysely: Kysely<Tables>;
  readonly #url: string;
  readonly #applicationName: string;
  readonly #log: DatabaseLog;
  readonly #listeners = new Set<Listener>();

  constructor(options: DatabaseOptions) {
    this.#url = options.url;
    this.#applicationName = options.applicationName;
    this.#log = options.log;
    this.pool = new pg.Pool({
      ...connectionConfig(options.url, options.applicationName, TRANSACTION_TIMEOUT_MS),
      max: options.maxConnections ?? 10,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
    });
    this.pool.on('error', (error) => {
      this.#log.warn({ error: error.message }, 'an idle database connection ended');
    });
    // A connection that breaks while it is checked out and no statement runs on it (kysely takes it before, and gives
    // it back after) tells nobody but this listener; without one the process would end. Its next user gets the error.
    this.pool.on('connect', (client) => {
      client.on('error', () => undefined);
    });
    this.kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: this.pool }) });
  }

  /**
   * Calls `dash.<name>(jsonb) returns jsonb`. When PostgreSQL says that it rolled the transaction back for a reason
   * that has nothing to do with its content (time-out behind a frozen process, deadlock), it is called again.
   */
  async call<Answer>(name: string, argument: object): Promise<Answer> {
    const statement = {
      name: `dash.${name}`,
      text: `select dash.${name}($1::jsonb) as answer`,
      values: [storableJson(argument)],
    };
    for (let retry = 0; ; retry += 1) {
      try {
        const { rows } = await this.pool.query<{ answer: Answer }>(statement);
        const row = rows[0];
        if (row === undefined) throw new Error(`dash.${name} answered no row`);
        return row.answer;
      } catch (error) {
        if (retry >= RETRIES || !isRetryable(error)) throw error;
        this.#log.warn({ function: name, error: ended(error) }, 'a transaction is repeated');
      }
    }
  }

  /** Runs one statement and answers its rows. */
  async rows<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(text, [...values]);
    return rows;
  }

  /**
   * Calls back on each NOTIFY of `channel`, and with null after every reconnect, when some may have been missed.
   * A hint only: it shortens a wait that ends by itself.
   */
  listen(channel: string, onPayload: (payload: string | null) => void): Listener {
    const listener = listenOn({
      channel,
      onPayload,
      log: this.#log,
      connect: () =>
        new pg.Client({
          ...connectionConfig(this.#url, `${this.#applicationName} listen`, 0),
          keepAlive: true,
        }),
      onClosed: () => this.#listeners.delete(listener),
    });
    this.#listeners.add(listener);
    return listener;
  }

  /** Ends listeners and connections; statements in flight finish first. */
  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
    // Kysely ends a pool only after it has used it once.
    await this.kysely.destroy();
    if (!this.pool.ending) await this.pool.end();
  }
}

/** Opens no connection yet: the first statement does. */
export function createDatabase(options: DatabaseOptions): Database {
  return new Database(options);
}

/** Settings that every connection of Dash has. */
export function connectionConfig(
  url: string,
  applicationName: string,
  transactionTimeoutMs: number,
): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    options: [
      '-c search_path=dash',
      '-c timezone=UTC',
      // The functions of schema dash take a lock first and then look: each statement needs its own snapshot (P9).
      '-c default_transaction_isolation=read\\ committed',
      `-c transaction_timeout=${transactionTimeoutMs}`,
    ].join(' '),
    types: { getTypeParser: typeParser },
  };
}

/** What JSON may hold and PostgreSQL's jsonb may not: NUL, and halves of surrogate pairs. */
const UNSTORABLE = /\\u(0000|d[89a-f])/i;

/**
 * JSON that jsonb takes. An agent's answer may hold any character; one that cannot be stored becomes U+FFFD, so that
 * a result is never lost over it.
 */
function storableJson(argument: object): string {
  const json = JSON.stringify(argument);
  if (!UNSTORABLE.test(json)) return json;
  return JSON.stringify(argument, (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\uFFFD') : value,
  );
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const NUMERIC = 1700;

function typeParser(oid: number, format?: string): (text: string) => unknown {
  if (format === 'binary')
    return pg.types.getTypeParser(oid, 'binary') as (text: string) => unknown;
  if (oid === INT8 || oid === NUMERIC) return Number;
  if (oid === TIMESTAMPTZ) return (text) => new Date(text).toISOString();
  return pg.types.getTypeParser(oid, 'text') as (text: string) => unknown;
}

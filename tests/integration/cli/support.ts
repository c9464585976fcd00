import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { Registry } from 'prom-client';
import { startApi, type Api } from '../../../api/start-api.ts';
import { COMMANDS } from '../../../cli/commands.ts';
import { adminKeyFile, writeLocalInstance } from '../../../cli/local-instance.ts';
import { runCli } from '../../../cli/run-cli.ts';
import { ensureAdminKey } from '../../../src/auth/admin-key.ts';
import type { GatewayCommandResult } from '../../../src/domain/messages.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { createLogger } from '../../../src/platform/logger.ts';
import { newSecretKey } from '../../../src/platform/secret-box.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import type { WorkflowMessages } from '../../../src/temporal/messages.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

export interface CliAgainstApi {
  readonly database: TestDatabase;
  readonly api: Api;
  readonly dataDir: string;
  /** What the API said to workflows, as `message subject`. */
  readonly said: string[];
  /** What a gateway's workflow answers to the next updates. */
  gatewayAnswer: GatewayCommandResult;
  /** Ends the API and starts it again on the same port. */
  restartApi(): Promise<void>;
  dashctl(argv: readonly string[], options?: CallOptions): Promise<CliRun>;
}

export interface CallOptions {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Sees stdout as it grows. */
  readonly onStdout?: (text: string) => void;
}

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as the one JSON document that it must be with --json. */
  json(): unknown;
}

/** A real API on a real database for one test file; Temporal is played by a recorder. */
export function withApi(): () => CliAgainstApi {
  let running: CliAgainstApi | undefined;
  beforeAll(async () => {
    running = await start();
  }, 60_000);
  afterAll(async () => {
    await running?.api.close();
    await running?.database.close();
    if (running !== undefined) rmSync(running.dataDir, { recursive: true });
  });
  return () => {
    if (running === undefined) throw new Error('the API is started before the first test');
    return running;
  };
}

async function start(): Promise<CliAgainstApi> {
  const database = await createTestDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'dash-cli-'));
  await ensureAdminKey(database.db, adminKeyFile(dataDir));
  const said: string[] = [];
  const secretKey = newSecretKey();
  const serve = (port: number): Promise<Api> =>
    startApi({
      db: database.db,
      messages: recorder(said, () => state.gatewayAnswer),
      metrics: createMetrics({ registry: new Registry() }),
      clock: systemClock(),
      log: createLogger({ level: 'silent', name: 'test' }),
      host: '127.0.0.1',
      port,
      secretKey,
      version: '0.0.0',
      bounds: { eventPollMs: 50 },
    });
  let api = await serve(0);
  writeLocalInstance(dataDir, { apiUrl: api.url, temporalUiUrl: null, pid: process.pid });
  const state: CliAgainstApi = {
    database,
    get api() {
      return api;
    },
    dataDir,
    said,
    gatewayAnswer: { kind: 'recorded', state: 'open' },
    restartApi: async () => {
      const { port } = api;
      await api.close();
      api = await serve(port);
    },
    dashctl: (argv, options) => call(argv, dataDir, options),
  };
  return state;
}

async function call(
  argv: readonly string[],
  dataDir: string,
  options: CallOptions = {},
): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  const stdin = (async function* () {
    if (options.stdin !== undefined) yield options.stdin;
  })();
  const exitCode = await runCli(
    {
      argv,
      version: '1.2.3',
      env: options.env ?? {},
      cwd: process.cwd(),
      stdin: Object.assign(stdin, { isTTY: options.stdin === undefined }),
      stdout: {
        write: (text: string) => {
          stdout += text;
          options.onStdout?.(stdout);
        },
      },
      stderr: { write: (text: string) => void (stderr += text) },
      clock: systemClock(),
      random: Math.random,
      randomId: randomUUID,
      fetch,
      signal: options.signal ?? new AbortController().signal,
      loadConfig: async (flags) =>
        loadConfig({ env: options.env ?? {}, flags: { dataDir, ...flags }, baseDir: '/' }),
    },
    { commands: COMMANDS },
  );
  return { exitCode, stdout, stderr, json: () => JSON.parse(stdout) as unknown };
}

function recorder(said: string[], gatewayAnswer: () => GatewayCommandResult): WorkflowMessages {
  const note = async (message: string, subject: string): Promise<void> =>
    void said.push(`${message} ${subject}`);
  return {
    startBulk: (id) => note('startBulk', id),
    runMaintenance: () => note('runMaintenance', ''),
    startSwarm: (id) => note('startSwarm', id),
    ensureGateway: (id) => note('ensureGateway', id),
    ensureChain: (id) => note('ensureChain', id),
    healChain: async (id) => {
      await note('healChain', id);
      return { kind: 'no-host' };
    },
    verifyChain: async (id) => {
      await note('verifyChain', id);
      return { kind: 'no-host' };
    },
    signalTaskCancel: (id) => note('signalTaskCancel', id),
    signalTaskDecide: (id) => note('signalTaskDecide', id),
    signalSwarmNews: (id) => note('signalSwarmNews', id),
    schedules: {
      follow: ({ id }) => note('followSchedule', id),
      remove: (id) => note('removeSchedule', id),
      look: async () => ({
        revision: 1,
        paused: false,
        next: ['2030-01-01T00:00:00.000Z'],
        skippedByOverlap: 2,
        missedCatchup: 1,
      }),
      list: async function* () {},
    },
    signalSubmissionEnded: ({ workflowId }) => note('signalSubmissionEnded', workflowId),
    updateGateway: async (id, message) => {
      await note(message, id);
      return gatewayAnswer();
    },
    updateSwarm: (id, update) => note(update, id),
    check: async () => 'ok',
    checkWorkflows: async () => ({ kind: 'ok' }),
  };
}

import { Registry } from 'prom-client';
import type { ApiBounds } from '../../api/api-deps.ts';
import { startApi, type Api } from '../../api/start-api.ts';
import { newApiKey } from '../../src/auth/api-key.ts';
import { createClient, type DashClient } from '../../src/contract/client.ts';
import { ADMIN_SCOPE } from '../../src/contract/scopes.ts';
import { createApiKey } from '../../src/db/api-key-store.ts';
import type { Database } from '../../src/db/database.ts';
import type { GatewayCommandResult, HealResult, VerifyResult } from '../../src/domain/messages.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLogger, type LogDestination } from '../../src/platform/logger.ts';
import { newSecretKey } from '../../src/platform/secret-box.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { WorkflowMessages } from '../../src/temporal/messages.ts';

/** Stands in for Temporal: remembers what it was told, and can be away. */
export interface RecordingMessages extends WorkflowMessages {
  readonly told: (readonly [name: string, ...args: unknown[]])[];
  /** Every call fails from now on, as it does while Temporal is away; null: it is back. */
  fail(error: Error | null): void;
  answerGateway(result: GatewayCommandResult): void;
  answerVerify(result: VerifyResult): void;
  answerHeal(result: HealResult): void;
}

export function recordingMessages(): RecordingMessages {
  const told: (readonly [string, ...unknown[]])[] = [];
  let failure: Error | null = null;
  let healed: HealResult = { kind: 'no-host' };
  let verified: VerifyResult = { kind: 'no-host' };
  let gatewayAnswer: GatewayCommandResult = { kind: 'recorded', state: 'open' };
  const tell = async (...message: readonly [string, ...unknown[]]): Promise<void> => {
    await Promise.resolve();
    if (failure !== null) throw failure;
    told.push(message);
  };
  return {
    told,
    fail: (error) => {
      failure = error;
    },
    answerHeal: (result) => {
      healed = result;
    },
    answerVerify: (result) => {
      verified = result;
    },
    answerGateway: (result) => {
      gatewayAnswer = result;
    },
    startBulk: (bulkId) => tell('startBulk', bulkId),
    runMaintenance: () => tell('runMaintenance'),
    startSwarm: (swarmId) => tell('startSwarm', swarmId),
    ensureGateway: (gatewayId) => tell('ensureGateway', gatewayId),
    ensureChain: (gatewayId) => tell('ensureChain', gatewayId),
    healChain: async (gatewayId, order) => {
      await tell('healChain', gatewayId, order);
      return healed;
    },
    verifyChain: async (gatewayId) => {
      await tell('verifyChain', gatewayId);
      return verified;
    },
    signalTaskCancel: (workflowId) => tell('signalTaskCancel', workflowId),
    signalTaskDecide: (workflowId, decision) => tell('signalTaskDecide', workflowId, decision),
    signalSwarmNews: (workflowId) => tell('signalSwarmNews', workflowId),
    schedules: {
      follow: ({ id, revision }) => tell('followSchedule', id, revision),
      remove: (id) => tell('removeSchedule', id),
      look: async (id) => {
        await tell('lookAtSchedule', id);
        return null;
      },
      list: async function* () {},
    },
    signalSubmissionEnded: (run) => tell('signalSubmissionEnded', run),
    updateGateway: async (gatewayId, message, command) => {
      await tell('updateGateway', gatewayId, message, command);
      return gatewayAnswer;
    },
    updateSwarm: (swarmId, update, args) => tell('updateSwarm', swarmId, update, args),
    check: async () => {
      await Promise.resolve();
      return failure === null ? 'ok' : failure.message;
    },
    checkWorkflows: async () => {
      await Promise.resolve();
      return failure === null ? { kind: 'ok' } : { kind: 'unreachable', detail: failure.message };
    },
  };
}

export interface TestApi extends Api {
  readonly adminKey: string;
  readonly client: DashClient;
  readonly messages: RecordingMessages;
  /** Another key's client. */
  clientOf(apiKey: string | undefined): DashClient;
  /** One request by hand; `body` is sent as JSON unless it is a text. */
  request(method: string, path: string, options?: RequestByHand): Promise<Response>;
}

export interface RequestByHand {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The real API on a free port of the loopback interface, on rows of `db`, with an admin key. */
export async function startTestApi(options: {
  readonly db: Database;
  /** Real ones instead of those that only remember. */
  readonly temporal?: WorkflowMessages;
  /** Where to listen; default: any free port. */
  readonly port?: number;
  /** The database that the admin key is entered into, when `db` cannot be reached at the start. */
  readonly keysIn?: Database;
  readonly bounds?: Partial<ApiBounds>;
  readonly logDestination?: LogDestination;
}): Promise<TestApi> {
  const { db } = options;
  const messages = recordingMessages();
  const log = createLogger({
    level: options.logDestination === undefined ? 'silent' : 'info',
    name: 'test-api',
    ...(options.logDestination === undefined ? {} : { destination: options.logDestination }),
  });
  const clock = systemClock();
  const api = await startApi({
    db,
    messages: options.temporal ?? messages,
    metrics: createMetrics({ registry: new Registry() }),
    clock,
    log,
    host: '127.0.0.1',
    port: options.port ?? 0,
    secretKey: newSecretKey(),
    version: '0.0.0-test',
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
  });
  const adminKey = await makeKey(options.keysIn ?? db, { scopes: [ADMIN_SCOPE] });
  const clientOf = (apiKey: string | undefined): DashClient =>
    createClient({
      baseUrl: api.url,
      apiKey,
      fetch,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      random: Math.random,
    });
  return {
    ...api,
    adminKey,
    messages,
    client: clientOf(adminKey),
    clientOf,
    request: (method, path, byHand = {}) => send(api.url, adminKey, method, path, byHand),
  };
}

/** A key that the database knows; answers its text. */
export async function makeKey(
  db: Database,
  options: {
    readonly scopes: readonly string[];
    readonly name?: string;
    readonly tenant?: string;
    readonly expiresAt?: string;
  },
): Promise<string> {
  const { text, keyId, secretHash } = newApiKey();
  await createApiKey(db, {
    id: keyId,
    name: options.name ?? 'test',
    secretHash,
    tenant: options.tenant ?? null,
    scopes: options.scopes,
    expiresAt: options.expiresAt ?? null,
  });
  return text;
}

async function send(
  url: string,
  adminKey: string,
  method: string,
  path: string,
  { key = adminKey, body, headers = {} }: RequestByHand,
): Promise<Response> {
  return fetch(url + path, {
    method,
    headers: {
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

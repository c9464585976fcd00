import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { gatewayPaths } from '../../src/gateway/managed/gateway-config.ts';
import {
  findGatewayProcess,
  startGatewayProcess,
  type GatewayProcess,
  type StartGatewayOptions,
} from '../../src/gateway/managed/gateway-process.ts';
import { stopGateway } from '../../src/gateway/managed/stop-gateway.ts';
import { startStubModel, type StubModel } from '../../src/gateway/stub-model.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import {
  connectTo,
  granted,
  send,
  sessionOf,
  silentLog,
  type TestConnection,
} from '../support/gateway-client.ts';
import { openClawEntry, testGatewayEnvironment } from '../support/real-gateway.ts';

const clock = systemClock();
const token = 'managed-gateway-token';
const key = 'sk-key-of-the-provider';

describe('a managed real gateway', () => {
  let dir = '';
  let model: StubModel;
  let options: StartGatewayOptions;
  let gateway: GatewayProcess;
  let connection: TestConnection;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dash-managed-real-'));
    model = await startStubModel({ clock });
    const { port } = await choosePort({ what: 'the gateway', say: () => undefined });
    options = {
      nodePath: process.execPath,
      entryPath: await openClawEntry(),
      config: {
        dir,
        port,
        token,
        model: {
          kind: 'openai-compatible',
          baseUrl: model.baseUrl,
          apiKey: key,
          model: 'given-model',
        },
        maxConcurrent: 3,
        tools: 'minimal',
      },
      environment: testGatewayEnvironment(),
      detached: true,
      startTimeoutMs: 150_000,
      clock,
    };
    const started = await startGatewayProcess(options);
    if (started.kind === 'failed') throw new Error(JSON.stringify(started.failure));
    gateway = started.process;
    connection = connectTo({ endpoint: gateway.endpoint, token });
    await connection.whenOpen({ timeoutMs: 30_000 });
  }, 200_000);

  afterAll(async () => {
    await connection?.close();
    await gateway?.kill();
    await model?.close();
    rmSync(dir, { recursive: true, force: true });
  }, 30_000);

  test('asks the given model with the given key, which no file holds (R26)', async () => {
    await send(connection, 'keyed', 'keyed-marker');
    await eventually(() => model.calls('keyed-marker') === 1, { timeoutMs: 60_000 });
    expect(model.requests().at(-1)?.apiKey).toBe(key);
    expect(readFileSync(gatewayPaths(dir).configPath, 'utf8')).not.toContain(key);
    expect((await connection.lanes()).max).toBe(3);
    const answer = await eventually(
      async () => {
        const look = await connection.look({
          sessionKey: sessionOf('keyed'),
          runIds: ['keyed-a1'],
        });
        return look.kind === 'seen' ? look.own[0]?.answer : undefined;
      },
      { timeoutMs: 60_000 },
    );
    expect(answer).toMatchObject({
      model: 'dash-model/given-model',
      text: expect.stringContaining('stub model'),
    });
  }, 130_000);

  test('is found again, and a second one on its state directory is contention, not configuration (P37)', async () => {
    const { port } = options.config;
    const found = await findGatewayProcess({
      identity: gateway.identity,
      port,
      detached: true,
      clock,
    });
    expect(found?.identity).toEqual(gateway.identity);
    const second = await startGatewayProcess(options);
    expect(second).toMatchObject({ kind: 'failed', failure: { kind: 'contention' } });
    expect(gateway.isLiving()).toBe(true);
    expect(connection.states.map(({ kind }) => kind)).toEqual(['open']);
  }, 120_000);

  test('ends by itself when it is handed over, long before its own drain would be over (P34)', async () => {
    const ended = await stopGateway({
      process: gateway,
      connection,
      requestId: 'managed-stop',
      target: null,
      permit: granted,
      graceMs: 60_000,
      log: silentLog,
    });
    expect(ended).toBe(true);
    expect(gateway.isLiving()).toBe(false);
  }, 90_000);

  test('says in its own words what is wrong with its configuration (R26)', async () => {
    const config = { ...options.config, dir: join(dir, 'broken'), tools: 'nonsense' as 'minimal' };
    const started = await startGatewayProcess({ ...options, config });
    expect(started).toMatchObject({
      kind: 'failed',
      failure: { kind: 'configuration', words: expect.stringContaining('tools.profile') },
    });
  }, 120_000);
});

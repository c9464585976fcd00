import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { gatewayConfig, writeGatewayConfig } from '../../../src/gateway/managed/gateway-config.ts';
import { gatewayEnv } from '../../../src/gateway/managed/gateway-env.ts';
import type { GatewayModel } from '../../../src/gateway/managed/gateway-model.ts';
import { identityOf, isLiving } from '../../../src/platform/processes.ts';
import { failureOfExit, lastWords } from '../../../src/gateway/managed/start-failure.ts';

const models: readonly GatewayModel[] = [
  { kind: 'openai', apiKey: 'sk-openai-secret', model: null },
  { kind: 'anthropic', apiKey: 'sk-anthropic-secret', model: 'claude-x' },
  { kind: 'openai-compatible', baseUrl: 'http://10.0.0.1:8000/v1', apiKey: null, model: 'local' },
  { kind: 'stub', baseUrl: 'http://127.0.0.1:9/v1' },
];
const options = (model: GatewayModel, dir = '/gateways/g1') =>
  ({
    dir,
    port: 19_000,
    token: 'gateway-token',
    model,
    maxConcurrent: 4,
    tools: 'minimal',
  }) as const;
const environment = (model: GatewayModel): Readonly<Record<string, string>> =>
  gatewayEnv({ dir: '/gateways/g1', model, path: '/usr/bin', tmpDir: null, marks: { MARK: 'm' } });

describe('the configuration of a managed gateway', () => {
  test.each(models)('$kind: on loopback, with a token, and no key in the file (R26)', (model) => {
    const config = gatewayConfig(options(model));
    expect(config).toMatchObject({
      gateway: {
        mode: 'local',
        bind: 'loopback',
        port: 19_000,
        auth: { mode: 'token', token: 'gateway-token' },
      },
      agents: { defaults: { maxConcurrent: 4, heartbeat: { every: '0m' } } },
      tools: { profile: 'minimal' },
    });
    expect(JSON.stringify(config)).not.toContain('sk-');
  });

  test.each([
    [
      models[0]!,
      'dash-openai/gpt-5.5',
      'https://api.openai.com/v1',
      'openai-completions',
      'sk-openai-secret',
    ],
    [
      models[1]!,
      'dash-anthropic/claude-x',
      'https://api.anthropic.com',
      'anthropic-messages',
      'sk-anthropic-secret',
    ],
    [models[2]!, 'dash-model/local', 'http://10.0.0.1:8000/v1', 'openai-completions', 'none'],
    [models[3]!, 'dash-stub/stub-1', 'http://127.0.0.1:9/v1', 'openai-completions', 'none'],
  ])(
    '$kind: the one model is asked at its endpoint, with the key that the environment carries (R26)',
    (model, primary, baseUrl, api, key) => {
      const config = gatewayConfig(options(model));
      const [providerId, modelId] = primary.split('/') as [string, string];
      expect(config).toMatchObject({
        agents: { defaults: { model: { primary } } },
        models: {
          mode: 'replace',
          providers: {
            [providerId]: {
              baseUrl,
              api,
              apiKey: { source: 'env', id: 'DASH_MODEL_API_KEY' },
              models: [{ id: modelId }],
            },
          },
        },
      });
      expect(environment(model)['DASH_MODEL_API_KEY']).toBe(key);
    },
  );
});

describe('the files of a managed gateway', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'dash-managed-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('only its owner can read the configuration, which holds the token (R26)', () => {
    const paths = writeGatewayConfig(options(models[3]!, join(dir, 'g')));
    expect(statSync(paths.configPath).mode & 0o777).toBe(0o600);
    expect(statSync(paths.stateDir).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(paths.configPath, 'utf8'))).toEqual(
      gatewayConfig(options(models[3]!, join(dir, 'g'))),
    );
  });

  test('an unchanged configuration is not touched, because a living gateway would reload it (P37)', () => {
    const same = options(models[3]!, join(dir, 'g'));
    const { configPath } = writeGatewayConfig(same);
    utimesSync(configPath, 1, 1);
    writeGatewayConfig(same);
    expect(statSync(configPath).mtimeMs).toBe(1000);
    writeGatewayConfig({ ...same, port: 19_001 });
    expect(statSync(configPath).mtimeMs).toBeGreaterThan(1000);
  });
});

describe('the environment of a managed gateway', () => {
  test('is made whole here: nothing of this process leaks into it (R26)', () => {
    process.env['OPENCLAW_LEAK_TEST'] = '1';
    const env = environment(models[3]!);
    delete process.env['OPENCLAW_LEAK_TEST'];
    expect(env).not.toHaveProperty('OPENCLAW_LEAK_TEST');
    expect(env).not.toHaveProperty('NODE_ENV');
    expect(env).not.toHaveProperty('JEST_WORKER_ID');
    expect(env).toMatchObject({
      HOME: '/gateways/g1',
      PATH: '/usr/bin',
      OPENCLAW_STATE_DIR: '/gateways/g1/state',
      OPENCLAW_CONFIG_PATH: '/gateways/g1/openclaw.json',
      OPENCLAW_NO_RESPAWN: '1',
      OPENCLAW_SUPERVISOR_MODE: 'external',
      MARK: 'm',
    });
  });
});

describe('why a gateway did not start', () => {
  const exit = (code: number | null, signal: string | null = null) => ({ code, signal });

  test.each([
    [
      exit(78),
      'Gateway failed to start: Invalid config at x: tools.profile: Invalid input',
      'configuration',
    ],
    [
      exit(78),
      'StateDatabaseCoordinatorContentionError: another OpenClaw process owns gateway-lifecycle',
      'contention',
    ],
    [
      exit(78),
      'Doctor could not enter maintenance. An agent database is in use. Stop other OpenClaw processes using this state',
      'contention',
    ],
    [exit(1), 'Error: listen EADDRINUSE: address already in use 127.0.0.1:19000', 'port-busy'],
    [exit(1), 'something else', 'exited'],
    [exit(null, 'SIGKILL'), '', 'exited'],
  ])('%j with its words is told apart (P37)', (how, output, kind) => {
    expect(failureOfExit(how, output).kind).toBe(kind);
  });

  test("the words are the gateway's own verdict, short, without colours and secrets (R26)", () => {
    const escape = String.fromCharCode(27);
    const output = `noise\n${escape}[31mGateway failed to start: bad${escape}[0m token: abc123 "apiKey": "sk-9"`;
    expect(lastWords(output)).toBe('Gateway failed to start: bad token: *** "apiKey": "***"');
    expect(lastWords('x'.repeat(9000))).toHaveLength(2000);
  });
});

describe('the identity of a process (P37)', () => {
  test('a pid with another start time is another process (P37)', () => {
    const own = identityOf(process.pid)!;
    expect(isLiving(own)).toBe(true);
    expect(isLiving({ ...own, startTicks: own.startTicks - 1 })).toBe(false);
    expect(isLiving({ ...own, machineBootId: 'another' })).toBe(false);
    expect(identityOf(2 ** 22)).toBeUndefined();
  });
});

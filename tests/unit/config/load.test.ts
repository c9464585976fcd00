import { describe, expect, test } from '@jest/globals';
import { ConfigError, type ConfigProblem } from '../../../src/config/config-error.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { loadConfig, type ConfigFlags, type DashConfig } from '../../../src/config/load.ts';
import { redactConfig } from '../../../src/config/redact-config.ts';
import { newSecretKey } from '../../../src/platform/secret-box.ts';

function load(options: { env?: Environment; flags?: ConfigFlags; yaml?: string } = {}): DashConfig {
  const { env = {}, flags = {}, yaml } = options;
  const file = yaml === undefined ? {} : { file: { path: '/project/dash.yaml', text: yaml } };
  return loadConfig({ env, flags, baseDir: '/project', ...file });
}

function problems(options: Parameters<typeof load>[0]): readonly ConfigProblem[] {
  try {
    load(options);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the configuration', () => {
  test('needs nothing: the defaults start a machine on loopback', () => {
    expect(load()).toMatchObject({
      dataDir: '/project/.dash',
      logLevel: 'info',
      api: { host: '127.0.0.1', port: 7410 },
      hold: { heartbeatMs: 3_000, timeoutMs: 10_000 },
      run: { heartbeatMs: 10_000, timeoutMs: 30_000 },
      temporal: { address: null, namespace: 'default' },
      model: { kind: 'stub' },
    });
  });

  test('flags go before the environment, the environment before the file, the file before defaults', () => {
    const yaml = 'api: { port: 1, host: 127.0.0.2 }\nhost: { maxGateways: 7 }\nlogLevel: warn\n';
    const env = { DASH_API_PORT: '2', DASH_LOG_LEVEL: 'error' };
    const config = load({ yaml, env, flags: { api: { port: 3, host: undefined } } });
    expect(config.api).toEqual({ port: 3, host: '127.0.0.2' });
    expect(config.logLevel).toBe('error');
    expect(config.host.maxGateways).toBe(7);
  });

  test('an empty variable means the same as an absent one', () => {
    expect(load({ env: { DASH_API_PORT: '', DATABASE_URL: ' ', DASH_HOST_ID: '' } })).toEqual(
      load(),
    );
  });

  test('relative paths count from the project, absolute ones stay', () => {
    expect(load({ env: { DASH_DATA_DIR: 'data', DASH_WORKFLOW_BUNDLE: 'b.js' } })).toMatchObject({
      dataDir: '/project/data',
      workflowBundle: '/project/b.js',
    });
    expect(load({ flags: { dataDir: '/var/lib/dash' } }).dataDir).toBe('/var/lib/dash');
  });
});

describe('a configuration that cannot be used', () => {
  test('names every problem at once, each with the place to change', () => {
    const found = problems({
      yaml: 'api:\n  prot: 7410\n  host: 5\nlogLevel: loud\n',
      env: { DASH_MAX_GATEWAYS: 'many' },
      flags: { api: { port: 700_000 } },
    });
    expect(found.map(({ source, setting }) => `${source} ${setting}`).toSorted()).toEqual([
      '--api-port api.port',
      'DASH_MAX_GATEWAYS host.maxGateways',
      'dash.yaml:2:9 api.prot',
      'dash.yaml:3:9 api.host',
      'dash.yaml:4:11 logLevel',
    ]);
  });

  test('an unknown setting comes with the one that was likely meant', () => {
    expect(problems({ yaml: 'api: { ports: 7410 }' })[0]!.message).toMatch(/did you mean "port"/);
    expect(problems({ yaml: 'databse: {}' })[0]!.message).toMatch(/did you mean "database"/);
  });

  test('a misspelt variable is an error, not silence; those of dashctl and the tests are known', () => {
    expect(problems({ env: { DASH_API_PROT: '1' } })).toEqual([
      expect.objectContaining({
        source: 'DASH_API_PROT',
        message: expect.stringContaining('DASH_API_PORT?'),
      }),
    ]);
    expect(
      load({ env: { DASH_URL: 'x', DASH_API_KEY: 'y', DASH_TEST_POSTGRES_URL: 'z' } }),
    ).toEqual(load());
  });

  test('a beat must fit into half its time-out (P24)', () => {
    const found = problems({
      env: { DASH_HOLD_HEARTBEAT_MS: '1500', DASH_HOLD_TIMEOUT_MS: '3000' },
    });
    expect(found).toEqual([expect.objectContaining({ source: 'DASH_HOLD_HEARTBEAT_MS' })]);
    expect(
      load({ env: { DASH_HOLD_HEARTBEAT_MS: '1000', DASH_HOLD_TIMEOUT_MS: '3000' } }).hold,
    ).toEqual({
      heartbeatMs: 1_000,
      timeoutMs: 3_000,
    });
  });

  test.each([
    ['broken YAML', 'api: [1'],
    ['a list', '- api'],
    ['a lone word', 'hello'],
  ])('a file that is %s is refused with the file named', (_what, yaml) => {
    expect(problems({ yaml })[0]!.source).toMatch(/^dash\.yaml/);
  });

  test('never shows the value of a secret', () => {
    const env = { DASH_SECRET_KEY: 'my-secret', DATABASE_URL: 'mysql://me:my-secret@db' };
    expect(
      problems({ env })
        .map(({ source }) => source)
        .toSorted(),
    ).toEqual(['DASH_SECRET_KEY', 'DATABASE_URL']);
    expect(() => load({ env })).not.toThrow(/my-secret/);
    expect(() => load({ env })).toThrow(/openssl rand -base64 32/);
  });
});

describe('what the settings mean', () => {
  test('an own endpoint goes before provider keys, OpenAI before Anthropic, nothing means the stub', () => {
    const keys = { OPENAI_API_KEY: 'o', ANTHROPIC_API_KEY: 'a', DASH_MODEL: 'm' };
    const endpoint = { DASH_MODEL_BASE_URL: 'http://127.0.0.1:9/v1' };
    expect(load({ env: { ...keys, ...endpoint } }).model).toEqual({
      kind: 'openai-compatible',
      baseUrl: 'http://127.0.0.1:9/v1',
      apiKey: null,
      model: 'm',
    });
    expect(load({ env: keys }).model).toEqual({ kind: 'openai', apiKey: 'o', model: 'm' });
    expect(load({ env: { ANTHROPIC_API_KEY: 'a' } }).model).toEqual({
      kind: 'anthropic',
      apiKey: 'a',
      model: null,
    });
    expect(load().model).toEqual({ kind: 'stub' });
  });

  test('Temporal comes from the variables that the temporal CLI reads', () => {
    const { temporal } = load({
      env: {
        TEMPORAL_ADDRESS: 'cloud.example:7233',
        TEMPORAL_NAMESPACE: 'fleet',
        TEMPORAL_API_KEY: 'k',
      },
    });
    expect(temporal).toMatchObject({ address: 'cloud.example:7233', namespace: 'fleet' });
    expect(temporal.connection).toMatchObject({
      address: 'cloud.example:7233',
      apiKey: 'k',
      tls: true,
    });
  });

  test('the file may name Temporal too, the environment goes before it', () => {
    const yaml = 'temporal: { address: "a:7233", namespace: from-file }';
    expect(load({ yaml }).temporal).toMatchObject({ address: 'a:7233', namespace: 'from-file' });
    expect(load({ yaml, env: { TEMPORAL_ADDRESS: 'b:7233' } }).temporal.connection.address).toBe(
      'b:7233',
    );
  });

  test('shown or logged, the configuration holds no secret', () => {
    const env = {
      DASH_SECRET_KEY: newSecretKey(),
      DATABASE_URL: 'postgres://dash:hunter2@db/dash',
      TEMPORAL_API_KEY: 'hunter2',
      TEMPORAL_ADDRESS: 'b:7233',
      OPENAI_API_KEY: 'hunter2',
    };
    const shown = JSON.stringify(redactConfig(load({ env })));
    expect(shown).not.toContain('hunter2');
    expect(shown).not.toContain(env.DASH_SECRET_KEY);
    expect(shown).toContain('b:7233');
  });
});

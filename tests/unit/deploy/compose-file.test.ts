import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { loadConfig } from '../../../src/config/load.ts';
import { SEARCH_ATTRIBUTES } from '../../../src/domain/names.ts';
import { newSecretKey } from '../../../src/platform/secret-box.ts';
import {
  composeVariables,
  interpolate,
  readComposeFile,
  type ComposeService,
} from '../../support/compose-file.ts';
import { PROJECT_DIR } from '../../support/planted-tree.ts';

const compose = readComposeFile();
const services = Object.entries(compose.services);
const own = services.filter(([, { build }]) => build !== undefined);
const read = (path: string): string => readFileSync(join(PROJECT_DIR, path), 'utf8');
const secrets = {
  POSTGRES_PASSWORD: 'a',
  DASH_POSTGRES_PASSWORD: 'b',
  DASH_SECRET_KEY: newSecretKey(),
};

function environmentOf(service: ComposeService): Record<string, string> {
  const entries = Object.entries(service.environment ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, interpolate(value, secrets)]));
}

describe('docker-compose.yml', () => {
  test('is valid by the schema of the Compose Specification', () => {
    const { $schema: _draft, ...schema } = JSON.parse(
      read('tests/support/schemas/compose-spec.json'),
    ) as object & {
      $schema: string;
    };
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(
      schema,
    );
    validate(compose);
    expect(validate.errors ?? []).toEqual([]);
  });

  test('has the grown-up shape: three Dash processes of one image, Temporal on PostgreSQL, one-shot set-up', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual([
      'api',
      'control-worker',
      'dash-migrate',
      'gateway-host',
      'postgresql',
      'temporal',
      'temporal-init',
      'temporal-schema',
      'temporal-ui',
    ]);
    expect(new Set(own.map(([, { image }]) => image)).size).toBe(1);
    expect(compose.services['temporal']?.environment).toMatchObject({
      NUM_HISTORY_SHARDS: '512',
      DB: 'postgres12',
    });
  });

  test.each(services)('%s: its image is pinned to one exact version', (_name, { image }) => {
    expect(image).toMatch(/:\d+\.\d+(\.\d+)?(-[a-z]+)?$/);
    expect(image).not.toMatch(/auto-setup/);
  });

  test('the image of Dash bears the version of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(own.map(([, { image }]) => image)).toEqual(own.map(() => `dash:${version}`));
  });

  test('everything that is published is on loopback only', () => {
    const published = services.flatMap(([, { ports = [] }]) => ports);
    expect(published.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
    expect(published).toHaveLength(3);
  });

  test('secrets come from the environment and are required', () => {
    const secret = services
      .flatMap(([, { environment = {} }]) => Object.entries(environment))
      .filter(([name]) => /PASSWORD|PWD|SECRET|DATABASE_URL/.test(name));
    expect(secret.filter(([, value]) => !/\$\{[A-Z_]+:\?/.test(value))).toEqual([]);
    expect(secret.length).toBeGreaterThan(5);
  });

  test('make-env.sh writes every variable that is required', () => {
    const required = composeVariables().filter(({ isRequired }) => isRequired);
    expect(required.map(({ name }) => name).toSorted()).toEqual(Object.keys(secrets).toSorted());
    for (const { name } of required) expect(read('deploy/make-env.sh')).toContain(`\n${name}=`);
  });

  test('a service waits for one-shots to their end, for others until they are healthy', () => {
    const oneShots = ['temporal-schema', 'temporal-init', 'dash-migrate'];
    const waits = services.flatMap(([, { depends_on = {} }]) => Object.entries(depends_on));
    expect(waits.length).toBeGreaterThan(5);
    for (const [other, { condition }] of waits) {
      const isOneShot = oneShots.includes(other);
      const hasHealthcheck = compose.services[other]?.healthcheck !== undefined;
      expect({ other, condition, hasHealthcheck }).toEqual({
        other,
        condition: isOneShot ? 'service_completed_successfully' : 'service_healthy',
        hasHealthcheck: !isOneShot,
      });
    }
  });

  test('every service that stays up and does work says whether it is healthy', () => {
    const healthy = services
      .filter(([, { healthcheck }]) => healthcheck !== undefined)
      .map(([name]) => name);
    expect(healthy.toSorted()).toEqual([
      'api',
      'control-worker',
      'gateway-host',
      'postgresql',
      'temporal',
    ]);
  });

  test('named volumes are declared, mounted files exist and are read-only', () => {
    const mounts = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((volume) => volume.split(':')),
    );
    const files = mounts.filter(([source = '']) => source.startsWith('./'));
    const named = mounts
      .filter(([source = '']) => !source.startsWith('./'))
      .map(([source = '']) => source);
    expect(named.toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
    expect(
      files.filter(
        ([source = '', , mode]) => mode !== 'ro' || !existsSync(join(PROJECT_DIR, source)),
      ),
    ).toEqual([]);
    expect(files.length).toBeGreaterThan(2);
  });
});

describe('the services of Dash', () => {
  test.each(own)('%s: its configuration is accepted and its program exists', (_name, service) => {
    const config = loadConfig({ env: environmentOf(service), baseDir: '/app' });
    expect(config.temporal).toMatchObject({ address: 'temporal:7233', namespace: 'dash' });
    const [node, script = ''] = service.command ?? [];
    expect(node).toBe('node');
    expect(script).toMatch(/^dist\/.*\.js$/);
    expect(
      existsSync(join(PROJECT_DIR, script.replace(/^dist\//, '').replace(/\.js$/, '.ts'))),
    ).toBe(true);
  });

  test.each(own)('%s: cannot write its image nor gain rights', (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  });

  test('the gateway host has longer to end than its hand-over takes (P34)', () => {
    const { host } = loadConfig({ env: {}, baseDir: '/app' });
    const graceSeconds = Number.parseInt(
      compose.services['gateway-host']?.stop_grace_period ?? '',
      10,
    );
    expect(graceSeconds * 1_000).toBeGreaterThan(host.handOverGraceMs);
  });

  test('the gateway host keeps its data directory, and with it its host id (P32)', () => {
    expect(compose.services['gateway-host']?.volumes).toEqual(['gateway-host-data:/var/lib/dash']);
    expect(read('Dockerfile')).toContain('DASH_DATA_DIR=/var/lib/dash');
  });

  test('the namespace gets the search attributes that workflows are started with', () => {
    const script = read('deploy/temporal/init-namespace.sh');
    expect(/for attribute in (.*); do/.exec(script)?.[1]?.split(' ').toSorted()).toEqual(
      [...SEARCH_ATTRIBUTES].toSorted(),
    );
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');

  test('runs the Node of .nvmrc, on glibc', () => {
    expect(dockerfile).toContain(`node:${read('.nvmrc').trim()}-bookworm-slim`);
  });

  test('does not run as root', () => {
    const users = [...dockerfile.matchAll(/^USER (\S+)/gm)].map(([, user]) => user);
    expect(users.at(-1)).toBe('node');
  });

  test('installs what is locked, without install scripts', () => {
    const installs = dockerfile.match(/npm (ci|install|i)\b.*/g) ?? [];
    expect(installs).toHaveLength(2);
    for (const install of installs) expect(install).toMatch(/^npm ci .*--ignore-scripts/);
  });

  test('no secret and no data directory gets into the build', () => {
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.env', '.dash', '.git', 'node_modules']),
    );
    expect(read('.gitignore').split('\n')).toContain('.env');
  });
});

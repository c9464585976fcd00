import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { layOutImage } from '../../scripts/image.ts';
import { WireLog } from '../../src/gateway/fake-gateway/wire-log.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { newSecretKey } from '../../src/platform/secret-box.ts';
import { readComposeFile } from '../support/compose-file.ts';
import {
  graceMsOf,
  healthcheckOf,
  serviceEnvironment,
  startService,
  type ComposeGround,
  type RunningService,
} from '../support/compose-services.ts';
import { eventually } from '../support/eventually.ts';
import { PROJECT_DIR } from '../support/planted-tree.ts';
import { tempDir } from '../support/temp-dir.ts';

/**
 * The grown-up shape without Docker: each Dash service of docker-compose.yml as a process of its own,
 * from the built code that the image holds, against one Temporal and one PostgreSQL, with one adopted
 * fake gateway; and the first swarm through them.
 */
const run = promisify(execFile);
const compose = readComposeFile();
const DATABASE = `compose_smoke_${process.pid}`;
const TOKEN = 'compose-smoke-token-0123456789';
const dir = tempDir('dash-compose-');
const services = new Map<string, RunningService>();
let ground: ComposeGround;
let gateway: { readonly endpoint: string; readonly wireLog: string; readonly child: ChildProcess };

function service(name: string): NonNullable<(typeof compose.services)[string]> {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

async function superuser<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: process.env['DASH_TEST_POSTGRES_URL'] });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function startFakeGatewayProcess(): Promise<typeof gateway> {
  const { port } = await choosePort({ what: 'the fake gateway', say: () => undefined });
  const wireLog = join(dir.path, 'wire.jsonl');
  const main = join(PROJECT_DIR, 'src/gateway/fake-gateway/main.ts');
  const files = ['--state-file', join(dir.path, 'gateway-state.json'), '--wire-log', wireLog];
  const args = [main, '--port', String(port), '--token', TOKEN, ...files];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, {
    timeoutMs: 20_000,
  });
  return { endpoint: `ws://127.0.0.1:${port}`, wireLog, child };
}

/** `docker compose exec api dashctl …` */
async function dashctl(...args: string[]): Promise<string> {
  const env = serviceEnvironment('api', service('api'), ground);
  const target = {
    DASH_URL: `http://127.0.0.1:${ground.ports['api']}`,
    DASH_API_KEY: readFileSync(join(ground.volumesDir, 'api', 'admin-api-key'), 'utf8').trim(),
    DASH_GATEWAY_TOKEN: TOKEN,
  };
  const main = join(ground.imageDir, 'dist/cli/main.js');
  const options = { env: { ...env, ...target }, cwd: ground.imageDir, timeout: 90_000 };
  return (await run(process.execPath, [main, ...args], options)).stdout;
}

function start(name: string): RunningService {
  const started = startService(name, service(name), ground);
  services.set(name, started);
  return started;
}

beforeAll(async () => {
  const imageDir = join(dir.path, 'app');
  const binDir = join(dir.path, 'bin');
  mkdirSync(binDir);
  const temporalBinary = process.env['DASH_TEST_TEMPORAL_BINARY'];
  if (temporalBinary !== undefined) symlinkSync(temporalBinary, join(binDir, 'temporal'));
  await superuser((client) => client.query(`create database ${DATABASE}`));
  const databaseUrl = new URL(process.env['DASH_TEST_POSTGRES_URL'] ?? '');
  databaseUrl.pathname = DATABASE;
  await layOutImage(imageDir);
  const ports: Record<string, number> = {};
  for (const name of ['api', 'control-worker', 'gateway-host']) {
    const { port } = await choosePort({
      what: name,
      taken: Object.values(ports),
      say: () => undefined,
    });
    ports[name] = port;
  }
  ground = {
    imageDir,
    volumesDir: join(dir.path, 'volumes'),
    secrets: {
      POSTGRES_PASSWORD: 'x',
      DASH_POSTGRES_PASSWORD: 'x',
      DASH_SECRET_KEY: newSecretKey(),
    },
    databaseUrl: databaseUrl.href,
    temporalAddress: process.env['DASH_TEST_TEMPORAL_ADDRESS'] ?? '',
    ports,
    binDir,
  };
  gateway = await startFakeGatewayProcess();
}, 180_000);

afterAll(async () => {
  await Promise.all([...services].map(([name, running]) => running.stop(graceMsOf(service(name)))));
  gateway?.child.kill('SIGKILL');
  await superuser((client) => client.query(`drop database if exists ${DATABASE} with (force)`));
  dir[Symbol.dispose]();
}, 120_000);

describe('docker-compose.yml as plain processes', () => {
  test('its one-shots end well: namespace and search attributes, schema of Dash', async () => {
    for (const name of ['temporal-init', 'dash-migrate']) {
      const oneShot = start(name);
      expect({ name, code: await oneShot.exited, output: oneShot.output() }).toMatchObject({
        name,
        code: 0,
      });
      services.delete(name);
    }
  }, 60_000);

  test.each(['api', 'control-worker', 'gateway-host'])(
    '%s becomes healthy by the healthcheck of the file',
    async (name) => {
      const running = start(name);
      const { program, args } = healthcheckOf(name, service(name), ground);
      await eventually(() => run(program, args, { env: { PATH: process.env['PATH'] ?? '' } }), {
        timeoutMs: 50_000,
        everyMs: 500,
        what: `the healthcheck of ${name}`,
      });
      expect(running.output()).not.toMatch(/"level":"(error|fatal)"/);
    },
    60_000,
  );

  test('three processes and an adopted gateway carry the first swarm to its answers', async () => {
    const added = await dashctl(
      'gateway',
      'add',
      gateway.endpoint,
      '--id',
      'fake-1',
      '--wait',
      '--timeout',
      '60s',
      '--json',
    );
    expect(JSON.parse(added)).toMatchObject({ id: 'fake-1', state: 'open' });

    const file = join(ground.imageDir, 'examples/first-swarm.yaml');
    const printed = await dashctl('swarm', 'run', file, '--wait', '--timeout', '80s', '--json');
    expect(JSON.parse(printed)).toMatchObject({ swarm: { state: 'completed' } });

    // The gateway's own log is the witness: six tasks, six runs.
    const runs = WireLog.fromFile(gateway.wireLog).runStarts();
    expect(runs).toHaveLength(6);
  }, 180_000);

  test('what each process observed is told where it happened: requests by the api, claims by the host', async () => {
    const hostMetrics = await (
      await fetch(`http://127.0.0.1:${ground.ports['gateway-host']}/metrics`)
    ).text();
    expect(hostMetrics).toMatch(/^dash_start_latency_seconds_count 6$/m);
    expect(hostMetrics).not.toMatch(/dash_tasks/);
    const api = `http://127.0.0.1:${ground.ports['api']}`;
    const ready = await fetch(`${api}/health/ready`);
    expect({ status: ready.status, body: await ready.json() }).toMatchObject({
      status: 200,
      body: { status: 'ready' },
    });
  });

  test.each(['gateway-host', 'control-worker', 'api'])(
    '%s ends in order within its grace',
    async (name) => {
      const running = services.get(name);
      const ended = await running?.stop(graceMsOf(service(name)));
      services.delete(name);
      expect({ ended, output: running?.output() }).toMatchObject({
        ended: { code: 0, isKilled: false },
      });
    },
    60_000,
  );
});

test('a process without its settings ends at once and says which', async () => {
  const env = { PATH: process.env['PATH'] ?? '' };
  const child = spawn(process.execPath, [join(ground.imageDir, 'dist/api/main.js')], {
    env,
    cwd: dir.path,
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (printed += text));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).not.toBe(0);
  expect(printed).toContain('DATABASE_URL');
}, 30_000);

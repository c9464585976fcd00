import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';

const ROOT = join(import.meta.dirname, '../../..');
const database = withDatabase();
const dataDir = mkdtempSync(join(tmpdir(), 'dash-api-process-'));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

interface Process {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

function startProcess(env: Readonly<Record<string, string>>): Process {
  const child = spawn(process.execPath, [join(ROOT, 'api/main.ts')], {
    env: { PATH: process.env['PATH'] ?? '', DASH_DATA_DIR: dataDir, DASH_API_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const exit = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  return { child, output: () => output, exit };
}

/** Starts the process and waits until it says where it listens. */
async function running(env: Readonly<Record<string, string>>): Promise<Process & { url: string }> {
  const started = startProcess(env);
  const url = await eventually(() => /"url":"(http:[^"]+)"/.exec(started.output())?.[1], {
    timeoutMs: 20_000,
    what: 'the api listens',
  });
  return { ...started, url };
}

describe('the api as a process', () => {
  test('starts alone, makes its admin key, is ready, and ends in order on SIGTERM (R32)', async () => {
    const { url, child, exit, output } = await running({
      DATABASE_URL: database().url,
      TEMPORAL_ADDRESS: process.env['DASH_TEST_TEMPORAL_ADDRESS']!,
    });
    await eventually(async () => (await fetch(`${url}/health/ready`)).status === 200);
    const key = await eventually(() => readFileSync(join(dataDir, 'admin-api-key'), 'utf8').trim());
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const answer = await eventually(async () => {
      const asked = await fetch(`${url}/api/v1/tasks`, {
        method: 'POST',
        headers,
        body: '{"prompt":"x"}',
      });
      return asked.status === 401 ? undefined : asked;
    });
    expect(answer.status).toBe(202);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(output()).not.toContain(key.split('_')[2]);
  });

  test('starts without Temporal and accepts work; readiness names what is away (R32)', async () => {
    const { url } = await running({
      DATABASE_URL: database().url,
      TEMPORAL_ADDRESS: '127.0.0.1:9',
    });
    const key = readFileSync(join(dataDir, 'admin-api-key'), 'utf8').trim();
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${url}/api/v1/tasks`, {
      method: 'POST',
      headers,
      body: '{"prompt":"x"}',
    });
    expect(answer.status).toBe(202);
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(((await ready.json()) as { detail: string }).detail).toMatch(/^Not ready: temporal /);
  });

  test('says in a sentence what is missing or wrong in its settings (R18)', async () => {
    const missing = startProcess({});
    expect(await missing.exit).toBe(1);
    expect(missing.output()).toContain('set DATABASE_URL');
    const wrong = startProcess({ DATABASE_URL: database().url, DASH_API_PROT: '1' });
    expect(await wrong.exit).toBe(78);
    expect(wrong.output()).toContain('did you mean DASH_API_PORT?');
    expect(wrong.output()).not.toContain('at file:');
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test } from '@jest/globals';

import { markedWith } from '../../src/platform/processes.ts';
import { findLiving } from '../../src/local/process-record.ts';
import { eventually } from '../support/eventually.ts';

/**
 * Its strikes: host, gateway, PostgreSQL and Temporal killed, a host frozen; the way to a gateway cut, choked and slowed,
 * and the clocks of a host, a control worker and the api set off.
 */
const SEED = 30;
const PROGRAM = join(import.meta.dirname, '../../scripts/chaos/main.ts');
const runs: Chaos[] = [];

interface Chaos {
  readonly child: ChildProcess;
  /** The exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  stdout(): string;
  stderr(): string;
}

function start(...args: readonly string[]): Chaos {
  const bundle = process.env['DASH_TEST_WORKFLOW_BUNDLE'];
  const child = spawn(process.execPath, [PROGRAM, '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(bundle === undefined ? {} : { DASH_WORKFLOW_BUNDLE: bundle }) },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const run = { child, exited, stdout: () => stdout, stderr: () => stderr };
  runs.push(run);
  return run;
}

afterEach(() => {
  for (const { child, stderr } of runs.splice(0)) {
    // Of a run that did not come to its end, the test's own words would only say that.
    if (child.exitCode === null && child.signalCode === null) process.stderr.write(stderr());
    child.kill('SIGKILL');
  }
});

test('300 tasks, 5 kills and all weather: none lost, none doubled, sessions in order, no lane left (R1, R2, R3, R10, R11, R13, R14, R15, R47)', async () => {
  const size = ['--tasks', '300', '--gateways', '8', '--kills', '5', '--weather', '6'];
  const chaos = start(...size, '--seed', String(SEED), '--limit-minutes', '4');
  const code = await chaos.exited;
  if (code !== 0) process.stderr.write(chaos.stderr());
  const told = chaos.stdout();
  // Without a report the run was not carried out: its last words say why.
  const report = JSON.parse(told === '' ? JSON.stringify(chaos.stderr()) : told) as {
    tasks: number;
    ends: Record<string, number>;
    strikes: { act: string }[];
    violations: unknown[];
  };
  expect(report).toMatchObject({ violations: [], tasks: 300 });
  expect(code).toBe(0);
  const acts = report.strikes.map(({ act }) => act);
  expect(acts).toHaveLength(11);
  expect(new Set(acts)).toEqual(new Set(['kill', 'freeze', 'cut', 'choke', 'slow', 'jump']));
  const ends = Object.values(report.ends).reduce((sum, count) => sum + count, 0);
  expect(ends).toBe(300);
}, 420_000);

test.each([
  ['SIGTERM', 130],
  ['SIGKILL', null],
] as const)(
  'after %s of the program none of its processes is left (P37)',
  async (signal, code) => {
    const chaos = start('--tasks', '10', '--kills', '0', '--gateways', '1', '--hosts', '1');
    const dir = await eventually(() => /in (\/\S+)/.exec(chaos.stderr())?.[1], {
      timeoutMs: 20_000,
    });
    const records = join(dir, 'processes');
    const living = () => findLiving(records);
    const [first] = await eventually(() => (living().length >= 2 ? living() : undefined), {
      timeoutMs: 40_000,
      what: 'processes to kill',
    });
    const launchId = first?.launchId ?? '';
    expect(markedWith(launchId).length).toBeGreaterThan(0);
    chaos.child.kill(signal);
    expect(await chaos.exited).toBe(code);
    await eventually(() => markedWith(launchId).length === 0, {
      timeoutMs: 20_000,
      what: 'no process of this run to be left',
    });
    if (signal === 'SIGTERM') expect(existsSync(dir)).toBe(false);
    rmSync(dir, { recursive: true, force: true });
  },
  100_000,
);

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BenchResult } from '../../scripts/bench/run.ts';

const root = join(import.meta.dirname, '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'dash-bench-test-'));
let result: BenchResult;
let printed: string;

beforeAll(async () => {
  const json = join(dir, 'bench.json');
  const args = [join(root, 'scripts', 'bench', 'main.ts'), '--quick', '--json', json];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dir });
  printed = stdout;
  result = JSON.parse(readFileSync(json, 'utf8')) as BenchResult;
}, 240_000);

afterAll(() => rmSync(dir, { recursive: true, force: true }));

// Counts only: times belong to the machine. The bounds leave room for what runs by the clock (polls, heartbeats, the
// gateways' own upkeep), which weighs more per task the slower the machine is.
test('a task costs eleven history events, as bare Temporal does, and a bounded number of calls and statements (R46)', () => {
  expect(result.bare.ledger.historyEvents).toBe(11);
  expect(result.dash.ledger.historyEvents).toBe(11);
  expect(result.dash.ledger.grpcCalls).toBeLessThan(30);
  expect(result.dash.ledger.sqlStatements).toBeLessThan(60);
});

test('the benchmark says what it measured, for both and in relation (R46)', () => {
  for (const series of [result.bare, result.dash]) {
    expect(series.one).toMatchObject({ inFlight: 1, count: 30 });
    expect(series.twenty).toMatchObject({ inFlight: 20, count: 120 });
    expect(series.twenty.perSecond).toBeGreaterThan(0);
  }
  expect(printed).toContain(`${result.ratios.throughput} × bare`);
  expect(printed).toContain('CPU ms');
});

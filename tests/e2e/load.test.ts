import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from '@jest/globals';
import type { LoadReport } from '../../scripts/load/report.ts';

const root = join(import.meta.dirname, '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'dash-load-test-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

// Figures belong to the machine; what does not is the order of claims, and that the program tells what it found.
test('a small load run claims in order, refuses nothing, and ends with the exit code of its verdicts (R4, R46, G25)', async () => {
  const json = join(dir, 'load.json');
  const markdown = join(dir, 'load.md');
  const sizes = ['--gateways', '3', '--count', '20', '--seconds', '2', '--backlog', '500'];
  const program = spawn(
    process.execPath,
    [join(root, 'scripts/load/main.ts'), ...sizes, '--json', json, '--report', markdown],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [printed, said, [code]] = await Promise.all([
    text(program.stdout),
    text(program.stderr),
    once(program, 'exit'),
  ]);
  if (code !== 0 && code !== 1) throw new Error(`exit code ${String(code)}: ${said}`);
  const { result, verdicts } = JSON.parse(readFileSync(json, 'utf8')) as LoadReport;
  expect(code).toBe(verdicts.some(({ held }) => held === false) ? 1 : 0);
  expect(result.order).toMatchObject({ tasks: 100, claims: 100, inversions: 0 });
  expect(result.openLoop.map(({ refused }) => refused)).toEqual([0, 0, 0]);
  expect(result.deepQueue?.claims).toBeGreaterThan(0);
  expect(readFileSync(markdown, 'utf8')).toBe(printed);
}, 240_000);

import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PROJECT_DIR } from '../../support/planted-tree.ts';
import { tempDir } from '../../support/temp-dir.ts';

const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;

function writeProgram(path: string, lines: readonly string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
}

describe('npm run check', () => {
  const tools = ['prettier', 'tsc', 'oxlint', 'depcruise', 'knip'];

  function check(failing: readonly string[]): { code: number | null; lines: string[] } {
    using dir = tempDir();
    mkdirSync(join(dir.path, 'scripts'));
    cpSync(join(PROJECT_DIR, 'scripts/check.ts'), join(dir.path, 'scripts/check.ts'));
    for (const tool of tools) {
      const fails = failing.includes(tool);
      writeProgram(join(dir.path, 'node_modules/.bin', tool), [
        `echo "${tool} looked"`,
        `exit ${fails ? 2 : 0}`,
      ]);
    }
    const { status, stdout } = spawnSync(process.execPath, ['scripts/check.ts'], {
      cwd: dir.path,
      encoding: 'utf8',
    });
    return { code: status, lines: stdout.trim().split('\n') };
  }

  test('names each step with its time and says nothing else when all is well', () => {
    const { code, lines } = check([]);
    expect(code).toBe(0);
    const steps = lines.slice(0, 6).map((line) => /^(\w+) +ok +[\d.]+ s$/.exec(line)?.[1] ?? '');
    expect(steps.toSorted()).toEqual(['format', 'imports', 'lint', 'reach', 'types', 'unused']);
    expect(lines.slice(6).join('')).toMatch(/^check passed in [\d.]+ s$/);
  });

  test('one finding does not hide another: every step runs, all findings come at the end, exit code 1', () => {
    const { code, lines } = check(['tsc', 'knip']);
    expect(code).toBe(1);
    const text = lines.join('\n');
    expect(text).toMatch(/── types: tsc .*\ntsc looked/);
    expect(text).toMatch(/── unused: knip .*\nknip looked/);
    expect(text).not.toContain('oxlint looked');
    expect(lines.at(-1)).toMatch(/^check failed in [\d.]+ s: /);
  });
});

describe('.ci/run', () => {
  function gate(codes: { check: number; test: number }): { code: number | null; lines: string[] } {
    using dir = tempDir();
    cpSync(join(PROJECT_DIR, '.ci'), join(dir.path, '.ci'), { recursive: true });
    writeProgram(join(dir.path, 'bin/npm'), [
      'case "$*" in',
      `  *check*) echo "checked, CI=$CI"; exit ${codes.check};;`,
      `  test*) echo "1 passed, 0 failed, 0 skipped"; exit ${codes.test};;`,
      'esac',
    ]);
    const env = { PATH: `${join(dir.path, 'bin')}:${PATH}` };
    const { status, stdout } = spawnSync(join(dir.path, '.ci/run'), {
      cwd: '/',
      env,
      encoding: 'utf8',
    });
    return { code: status, lines: stdout.trim().split('\n') };
  }

  test.each([
    [{ check: 0, test: 0 }, 0],
    [{ check: 1, test: 0 }, 1],
    [{ check: 0, test: 1 }, 1],
  ])('%j ends with exit code %i, and with the line of npm test', (codes, expected) => {
    expect(gate(codes)).toEqual({
      code: expected,
      lines: ['checked, CI=true', '1 passed, 0 failed, 0 skipped'],
    });
  });
});

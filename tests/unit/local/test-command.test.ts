import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');

/** Runs the reporter as jest does, with another reporter that prints after it. */
function closingLines(results: object, env: NodeJS.ProcessEnv = {}): string[] {
  const program = `
    import Reporter from ${JSON.stringify(join(root, 'tests/support/closing-line-reporter.js'))};
    new Reporter().onRunComplete(new Set(), ${JSON.stringify(results)});
    console.log('the summary of another reporter');`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env,
  });
  return stdout.trimEnd().split('\n');
}

const results = {
  numPassedTests: 5,
  numFailedTests: 1,
  numRuntimeErrorTestSuites: 1,
  numPendingTests: 2,
  numTodoTests: 1,
};

describe('the last line of a test run', () => {
  test('is the totals, whatever other reporters print; a file that could not be loaded is a failure', () => {
    expect(closingLines(results).at(-1)).toBe('5 passed, 2 failed, 3 skipped');
  });

  test('counts a left-out tier as skipped and names why above it; in CI as failed', () => {
    const tiers = JSON.stringify(['e2e skipped: no OpenClaw']);
    const env = { DASH_TEST_SKIPPED_TIERS: tiers };
    expect(closingLines(results, env).slice(-2)).toEqual([
      'e2e skipped: no OpenClaw',
      '5 passed, 2 failed, 4 skipped',
    ]);
    expect(closingLines(results, { ...env, CI: 'true' }).at(-1)).toBe(
      '5 passed, 3 failed, 3 skipped',
    );
  });
});

/** `npm test` for a tier whose Temporal cannot be had: its cache may not be written. */
function testCommand(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): { status: number | null; lines: string[] } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'scripts', 'test.ts'), ...args],
    {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', DASH_CACHE_DIR: '/sys/kernel/dash', ...env },
    },
  );
  return { status, lines: `${stdout}${stderr}`.trimEnd().split('\n') };
}

describe('a tier whose dependency is absent', () => {
  test('is skipped with the reason', () => {
    const { status, lines } = testCommand(['integration']);
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(/^integration skipped: \/sys\/kernel\/dash may not be written/),
      '0 passed, 0 failed, 1 skipped',
    ]);
    expect(status).toBe(0);
  });

  test('is a failure in CI', () => {
    const { status, lines } = testCommand(['integration'], { CI: 'true' });
    expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
    expect(status).toBe(1);
  });
});

test('a tier that does not exist is refused with the list', () => {
  const { status, lines } = testCommand([], { DASH_TEST_TIERS: 'unti' });
  expect(status).toBe(2);
  expect(lines.at(-1)).toContain('"unti"; the tiers are unit, integration, e2e');
});

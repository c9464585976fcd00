import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isFree } from '../../../src/local/free-port.ts';
import { eventually } from '../../support/eventually.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { whyTooOld } from '../../support/test-services.ts';

const root = join(import.meta.dirname, '..', '..', '..');

test('the services of a test run that was killed are gone within 10 s (G15)', async () => {
  using dir = tempDir();
  const program = join(root, 'tests', 'support', 'programs', 'services-to-kill.ts');
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: dir.path },
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { postgresUrl, temporalAddress } = JSON.parse(line.toString()) as {
    postgresUrl: string;
    temporalAddress: string;
  };
  const ports = [new URL(postgresUrl).port, temporalAddress.split(':')[1]].map(Number);
  expect(await Promise.all(ports.map(isFree))).toEqual([false, false]);
  child.kill('SIGKILL');
  await eventually(async () => (await Promise.all(ports.map(isFree))).every(Boolean), {
    timeoutMs: 10_000,
  });
  await eventually(() => {
    const [place = ''] = readdirSync(dir.path).filter((name) => name.startsWith('dash-test-'));
    return readdirSync(join(dir.path, place, 'processes')).length === 0;
  });
}, 60_000);

test('a PostgreSQL older than 17 is refused with the reason, 17 is not (P4)', () => {
  expect(whyTooOld(160_009)).toMatch(/PostgreSQL 16.*transaction_timeout/);
  expect(whyTooOld(170_000)).toBeUndefined();
});

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import { SEARCH_ATTRIBUTES } from '../../../src/domain/names.ts';
import { PROJECT_DIR } from '../../support/planted-tree.ts';

const run = promisify(execFile);

/** The binary under the name that the script calls; without one of the project's, the machine's is used. */
const binDir = mkdtempSync(join(tmpdir(), 'dash-bin-'));
const binary = process.env['DASH_TEST_TEMPORAL_BINARY'];
// The machine's own is given as a bare name, and found through the PATH as it is.
if (binary !== undefined && isAbsolute(binary)) symlinkSync(binary, join(binDir, 'temporal'));
afterAll(() => rmSync(binDir, { recursive: true }));

test('the one-shot of docker-compose.yml makes the namespace once, and running it again changes nothing', async () => {
  const env = {
    PATH: `${binDir}:${process.env['PATH'] ?? ''}`,
    HOME: binDir,
    TEMPORAL_ADDRESS: process.env['DASH_TEST_TEMPORAL_ADDRESS'] ?? '',
    TEMPORAL_NAMESPACE: `compose-${process.pid}`,
    NAMESPACE_RETENTION: '3d',
  };
  const bounded = { env, timeout: 20_000 };
  const temporal = async (...args: string[]): Promise<string> =>
    (await run('temporal', args, bounded)).stdout;

  for (const round of ['first', 'second']) {
    const { stdout } = await run(
      'sh',
      [join(PROJECT_DIR, 'deploy/temporal/init-namespace.sh')],
      bounded,
    );
    expect(`${round}: ${stdout}`).toContain(
      `${round}: The namespace ${env.TEMPORAL_NAMESPACE} is ready`,
    );
  }
  expect(await temporal('operator', 'namespace', 'describe')).toMatch(/Retention\w*\s+72h/);
  const attributes = await temporal('operator', 'search-attribute', 'list');
  for (const name of SEARCH_ATTRIBUTES)
    expect(attributes).toMatch(new RegExp(`${name}\\s+Keyword`));
});

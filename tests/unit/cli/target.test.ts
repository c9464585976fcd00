import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  adminKeyFile,
  readLocalInstance,
  writeLocalInstance,
} from '../../../cli/local-instance.ts';
import { resolveTarget } from '../../../cli/target.ts';

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'dash-target-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const resolve = (given: { url?: string; apiKey?: string; env?: Record<string, string> } = {}) =>
  resolveTarget({ url: given.url, apiKey: given.apiKey, env: given.env ?? {}, dataDir });
const leaveNote = (): void => {
  writeLocalInstance(dataDir, { apiUrl: 'http://127.0.0.1:9999', temporalUiUrl: null, pid: 12 });
  writeFileSync(adminKeyFile(dataDir), 'dash_local_key\n');
};

describe('which Dash a command speaks to', () => {
  test('option before environment before the instance of the data directory before the default', () => {
    expect(resolve().baseUrl).toBe('http://127.0.0.1:7410');
    leaveNote();
    expect(resolve()).toMatchObject({ baseUrl: 'http://127.0.0.1:9999', apiKey: 'dash_local_key' });
    const env = { DASH_URL: 'https://dash.example/', DASH_API_KEY: 'dash_env' };
    expect(resolve({ env })).toMatchObject({ baseUrl: 'https://dash.example', apiKey: 'dash_env' });
    expect(resolve({ env, url: 'http://other:1', apiKey: 'dash_flag' })).toMatchObject({
      baseUrl: 'http://other:1',
      apiKey: 'dash_flag',
    });
  });

  test('the key file of this machine is never sent to another address', () => {
    leaveNote();
    expect(resolve({ url: 'https://elsewhere.example' }).apiKey).toBeUndefined();
    expect(resolve({ env: { DASH_URL: 'http://127.0.0.1:9998' } }).apiKey).toBeUndefined();
    expect(resolve({ url: 'http://127.0.0.1:9999/' }).apiKey).toBe('dash_local_key');
  });

  test.each(['dash', 'ftp://x', '127.0.0.1:7410'])(
    '%s is refused as an address with exit code 2',
    (url) => {
      expect(() => resolve({ url })).toThrow(expect.objectContaining({ exitCode: 2 }));
    },
  );

  test('a note that cannot be read is no note', () => {
    leaveNote();
    writeFileSync(join(dataDir, 'instance.json'), '{"apiUrl":');
    expect(readLocalInstance(dataDir)).toBeUndefined();
    expect(resolve().baseUrl).toBe('http://127.0.0.1:7410');
  });
});

import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from '../platform/ids.ts';
import { isSecretKey, newSecretKey } from '../platform/secret-box.ts';
import type { DashConfig } from './load.ts';

/**
 * What belongs to a data directory rather than to a process: made there once (mode 0600), kept for
 * ever. Two processes that start at the same time agree on one value.
 */

/** The key that seals tokens: from the configuration, else the file `secret-key` of the data directory. */
export function ensureSecretKey(config: Pick<DashConfig, 'dataDir' | 'secretKey'>): string {
  if (config.secretKey !== undefined) return config.secretKey;
  const path = join(config.dataDir, 'secret-key');
  const key = keepOnce(config.dataDir, path, newSecretKey);
  if (!isSecretKey(key)) {
    throw new Error(
      `${path} does not hold a key any more. Put the key back (32 bytes in base64); ` +
        'if it is lost, remove the file and register the tokens of all gateways again.',
    );
  }
  return key;
}

/** The id of this gateway host (P32): from the configuration, else the file `host-id` of the data directory. */
export function ensureHostId(config: Pick<DashConfig, 'dataDir' | 'hostId'>): string {
  if (config.hostId !== undefined) return config.hostId;
  const path = join(config.dataDir, 'host-id');
  const id = keepOnce(config.dataDir, path, () => newId('host'));
  if (!/^[a-z0-9-]{1,60}$/.test(id)) {
    throw new Error(
      `${path} does not hold a host id any more. Remove the file: the host gets a new id.`,
    );
  }
  return id;
}

/** Reads the file; makes it first if there is none. Whole or not at all, and never over an existing one. */
function keepOnce(dataDir: string, path: string, make: () => string): string {
  const existing = readIfThere(path);
  if (existing !== undefined) return existing;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const part = `${path}.${randomUUID()}.part`;
  writeFileSync(part, `${make()}\n`, { mode: 0o600 });
  try {
    linkSync(part, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(part, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

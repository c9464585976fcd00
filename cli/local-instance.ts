/**
 * The note that a running `dashctl up` leaves in its data directory, so that the other commands on this
 * machine find its API and its key without being told.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const shape = z.object({
  apiUrl: z.url(),
  temporalUiUrl: z.url().nullable(),
  pid: z.int().positive(),
});

/** `temporalUiUrl` is null when a Temporal elsewhere is used (TEMPORAL_ADDRESS). */
export type LocalInstance = Readonly<z.infer<typeof shape>>;

/** Holds the admin API key, and nothing else, with mode 0600. */
export function adminKeyFile(dataDir: string): string {
  return join(dataDir, 'admin-api-key');
}

/** Writes the note, whole or not at all. */
export function writeLocalInstance(dataDir: string, instance: LocalInstance): void {
  const path = instanceFile(dataDir);
  writeFileSync(`${path}.part`, `${JSON.stringify(instance, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

/** The note of the running or the last `dashctl up`; undefined when there is none that can be read. */
export function readLocalInstance(dataDir: string): LocalInstance | undefined {
  try {
    return shape.parse(JSON.parse(readFileSync(instanceFile(dataDir), 'utf8')));
  } catch {
    return undefined;
  }
}

/** The admin key of this data directory; undefined when there is none that this user may read. */
export function readAdminKey(dataDir: string): string | undefined {
  try {
    const key = readFileSync(adminKeyFile(dataDir), 'utf8').trim();
    return key === '' ? undefined : key;
  } catch {
    return undefined;
  }
}

function instanceFile(dataDir: string): string {
  return join(dataDir, 'instance.json');
}

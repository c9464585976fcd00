import { READINESS_CHECKS, type ReadinessCheck } from '../src/contract/operations.ts';
import { pendingMigrations } from '../src/db/migrate.ts';
import { readInstallation } from '../src/db/installation-store.ts';
import type { ApiDeps } from './api-deps.ts';

const CHECK_TIMEOUT_MS = 2_000;

/** Asks every required dependency itself, all at once, each bounded; never what was known of it before. */
export function checkReadiness(deps: ApiDeps): Promise<ReadinessCheck[]> {
  const ask: Readonly<Record<ReadinessCheck['name'], () => Promise<string>>> = {
    postgres: async () => {
      await deps.db.rows('select 1');
      return 'ok';
    },
    migrations: async () => {
      const pending = await pendingMigrations(deps.db);
      if (pending.length > 0) return `${pending.length} are not applied: run dashctl migrate`;
      await readInstallation(deps.db);
      return 'ok';
    },
    temporal: () => deps.messages.check(),
  };
  return Promise.all(READINESS_CHECKS.map((name) => check(deps, name, ask[name])));
}

async function check(
  deps: ApiDeps,
  name: ReadinessCheck['name'],
  ask: () => Promise<string>,
): Promise<ReadinessCheck> {
  const answered = new AbortController();
  const silent = deps.clock
    .sleep(CHECK_TIMEOUT_MS, answered.signal)
    .then(() => `gave no answer within ${CHECK_TIMEOUT_MS} ms`);
  try {
    // what exactly failed may name hosts and users: it is logged, and said to nobody who may ask without a key
    const answer = await Promise.race([
      ask().catch((error: unknown) => unreachable(deps, name, error)),
      silent,
    ]);
    return { name, ok: answer === 'ok', detail: answer === 'ok' ? 'ok' : answer };
  } finally {
    answered.abort();
  }
}

function unreachable(deps: ApiDeps, name: string, error: unknown): string {
  deps.log.warn({ check: name, err: error }, 'a readiness check failed');
  return 'does not answer; the log of the API has the reason';
}

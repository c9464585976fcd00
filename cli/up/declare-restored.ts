import { createDatabase } from '../../src/db/database.ts';
import { pendingMigrations } from '../../src/db/migrate.ts';
import { completeRestore, type RestoreReport } from '../../src/db/restore.ts';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';

/** Declares the database at `url` restored. One of an older version is refused: it is migrated first. */
export async function declareRestored(url: string, actor: string): Promise<RestoreReport> {
  const quiet = { info: () => undefined, warn: () => undefined };
  const db = createDatabase({ url, applicationName: 'dashctl', maxConnections: 1, log: quiet });
  try {
    if ((await pendingMigrations(db)).length > 0) {
      throw new CliError({
        exitCode: EXIT.failed,
        code: 'not-migrated',
        message: 'The schema of this database is older than this version of Dash.',
        hint: 'Bring it up to date first: dashctl migrate',
      });
    }
    return await completeRestore(db, { actor });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError({
      exitCode: EXIT.unreachable,
      code: 'database-unavailable',
      message: error instanceof Error ? error.message : String(error),
      hint: 'Is PostgreSQL running, and is DATABASE_URL right? Nothing was changed.',
      cause: error,
    });
  } finally {
    await db.close();
  }
}

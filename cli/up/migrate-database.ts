import { migrate } from '../../src/db/migrate.ts';
import { CliError } from '../cli-error.ts';
import { EXIT } from '../exit-codes.ts';

/** Brings the schema up to date. A database that is not there or too old is a CliError with what to do. */
export async function migrateDatabase(
  url: string,
  say: (line: string) => void,
): Promise<{ applied: readonly string[] }> {
  const tell = (fields: object, message?: string): void => say(message ?? JSON.stringify(fields));
  try {
    return await migrate({ url, log: { info: () => undefined, warn: tell } });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const isAway = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|57P0|08)/.test(code);
    throw new CliError({
      exitCode: isAway ? EXIT.unreachable : EXIT.failed,
      code: isAway ? 'database-unavailable' : 'migration-failed',
      message: error instanceof Error ? error.message || code : String(error),
      hint: isAway
        ? 'Is PostgreSQL running, and is DATABASE_URL right?'
        : 'Nothing of the migration that failed was kept. Remove the cause and run the command again.',
      cause: error,
    });
  }
}

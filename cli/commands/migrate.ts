import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { count } from '../output/format.ts';

export const migrateCommand = defineCommand({
  path: ['migrate'],
  summary: 'Bring the schema of the database in DATABASE_URL up to date',
  details:
    'Safe to run from several places at once: one works, the others wait. `dashctl up` does it by itself; run it before ' +
    'starting api, control worker and gateway hosts as separate processes.',
  examples: ['DATABASE_URL=postgres://… dashctl migrate'],
  input: z.object({}),
  run: async (_input, context) => {
    const { database } = await context.config();
    if (database.url === undefined) {
      throw new CliError({
        exitCode: EXIT.usage,
        code: 'no-database',
        message: 'DATABASE_URL is not set, so there is no database to migrate.',
        hint: 'Set it to postgres://user:password@host:port/database. The embedded PostgreSQL of `dashctl up` is migrated by `dashctl up`.',
      });
    }
    const { migrateDatabase } = await import('../up/migrate-database.ts');
    const { applied } = await migrateDatabase(database.url, (line) => context.output.note(line));
    context.output.result({ applied }, (print) =>
      print.line(
        applied.length === 0
          ? 'up to date'
          : `applied ${count(applied.length, 'file')}: ${applied.join(', ')}`,
      ),
    );
    return EXIT.ok;
  },
});

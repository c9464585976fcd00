import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { count } from '../output/format.ts';

export const restoreComplete = defineCommand({
  path: ['restore-complete'],
  summary: 'Declare that the database in DATABASE_URL is a copy that was put back',
  details:
    'Run it once after PostgreSQL was restored from a backup and before Dash is started on it: cursors of event streams ' +
    'from before become invalid, and no host of before can act on its old hold. What is to be expected then, and what a ' +
    'person decides: docs/guides/restore.md.',
  options: [{ flags: '--actor <name>', help: 'who did it, for the audit trail (operator)' }],
  examples: ['DATABASE_URL=postgres://… dashctl restore-complete --actor ann'],
  input: z.object({ actor: z.string().min(1).max(200).default('operator') }),
  run: async ({ actor }, context) => {
    const { database } = await context.config();
    if (database.url === undefined) {
      throw new CliError({
        exitCode: EXIT.usage,
        code: 'no-database',
        message: 'DATABASE_URL is not set, so there is no database to declare restored.',
        hint: 'Set it to postgres://user:password@host:port/database.',
      });
    }
    const { declareRestored } = await import('../up/declare-restored.ts');
    const report = await declareRestored(database.url, actor);
    context.output.result(report, (print) => {
      const states = Object.entries(report.openTasks).map(([state, tasks]) => `${tasks} ${state}`);
      print.line(`The event stream is ${report.stream} now; every hold begins anew.`);
      print.line(
        `Open in this copy: ${states.length === 0 ? 'no task' : `tasks ${states.join(', ')}`}; ` +
          `${count(report.openAttempts, 'attempt')}, ${count(report.openSwarms, 'swarm')}.`,
      );
    });
    context.output.note(
      'Start Dash, then look at what a person must decide: dashctl task list --state deciding, dashctl reconcile list --standing',
    );
    return EXIT.ok;
  },
});

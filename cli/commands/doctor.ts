import { z } from 'zod';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { harmless } from '../output/text.ts';

export const doctor = defineCommand({
  path: ['doctor'],
  summary: 'Say what is installed and reachable, and what to do about the rest',
  details:
    'Looks only: nothing is started, fetched or written. Exit code 1 when something needs a person.',
  examples: ['dashctl doctor', 'dashctl doctor --json'],
  input: z.object({}),
  run: async (_input, context) => {
    const { examine } = await import('../up/doctor.ts');
    const checks = await examine({ config: await context.config(), context });
    const marks = { ok: ['green', '✓'], note: ['yellow', '–'], problem: ['red', '✗'] } as const;
    context.output.result({ checks }, (print) => {
      const width = Math.max(...checks.map(({ name }) => name.length));
      for (const { name, status, detail, hint } of checks) {
        const [style, mark] = marks[status];
        print.line(`${print.paint(style, mark)} ${name.padEnd(width)}  ${harmless(detail)}`);
        if (hint !== undefined)
          print.line(`  ${' '.repeat(width)}  ${print.paint('dim', harmless(hint))}`);
      }
    });
    return checks.some(({ status }) => status === 'problem') ? EXIT.failed : EXIT.ok;
  },
});

import { z } from 'zod';
import type { OutcomePolicy } from '../../src/contract/policy.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export const policyGet = defineCommand({
  path: ['policy', 'get'],
  summary: 'Show what happens by itself to work that did not end well',
  input: z.object({}),
  run: async (_input, context) => {
    const client = await context.client();
    return shown(await client.policy.get({ signal: context.signal }), context);
  },
});

/** A number, or `none` for a rule that is turned off. */
const numberOrNone = z
  .string()
  .regex(/^([1-9]\d{0,3}|none)$/, 'must be a whole number, or none')
  .transform((text) => (text === 'none' ? null : Number(text)))
  .optional();

export const policySet = defineCommand({
  path: ['policy', 'set'],
  summary: 'Change what happens by itself to work that did not end well',
  details: 'What is not named stays. `none` turns a rule off.',
  options: [
    { flags: '--quarantine-after <n>', help: 'dead letters in a row that set a session apart' },
    {
      flags: '--decision-expiry <hours>',
      help: 'after so long an outcome that nobody has decided about is discarded',
    },
    {
      flags: '--migrate-sessions-after <hours>',
      help: 'after so long sessions of a failed gateway move',
    },
  ],
  examples: [
    'dashctl policy set --quarantine-after 5',
    'dashctl policy set --decision-expiry none',
  ],
  input: z.object({
    quarantineAfter: numberOrNone,
    decisionExpiry: numberOrNone,
    migrateSessionsAfter: numberOrNone,
  }),
  run: async ({ quarantineAfter, decisionExpiry, migrateSessionsAfter }, context) => {
    const body = Object.fromEntries(
      Object.entries({
        quarantineAfter,
        decisionExpiryHours: decisionExpiry,
        migrateSessionsAfterHours: migrateSessionsAfter,
      }).filter(([, value]) => value !== undefined),
    );
    if (Object.keys(body).length === 0) {
      throw new CliError({
        exitCode: EXIT.usage,
        code: 'usage',
        message: 'Nothing is to be changed.',
        hint: 'See: dashctl policy set --help',
      });
    }
    const client = await context.client();
    return shown(await client.policy.set({ body, signal: context.signal }), context);
  },
});

function shown(policy: OutcomePolicy, context: CliContext): ExitCode {
  const hours = (value: number | null, otherwise: string): string =>
    value === null ? otherwise : `after ${value} h`;
  context.output.result(policy, (print) =>
    print.fields([
      [
        'session set apart',
        policy.quarantineAfter === null
          ? 'never by itself'
          : `after ${policy.quarantineAfter} dead letters in a row`,
      ],
      ['undecided outcome discarded', hours(policy.decisionExpiryHours, 'never by itself')],
      ['session of a failed gateway', hours(policy.migrateSessionsAfterHours, 'held')],
    ]),
  );
  return EXIT.ok;
}

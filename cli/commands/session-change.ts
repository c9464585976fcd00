import { z } from 'zod';
import type { Session } from '../../src/contract/sessions.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { defined } from '../fields.ts';

const sessionArgument = { name: 'session', help: 'session key' };
const tenantOption = {
  flags: '--tenant <tenant>',
  help: "whose session (the API key's own tenant)",
};
const reasonText = z.string({ error: 'is missing: say why, for whoever reads it later' });

export const sessionQuarantine = defineCommand({
  path: ['session', 'quarantine'],
  summary: 'Set a session apart: nothing more of it is started',
  details:
    'What runs goes on, more work is accepted and held. End it with: dashctl session release',
  arguments: [sessionArgument],
  options: [{ flags: '--reason <text>', help: 'why; kept in the event' }, tenantOption],
  examples: ['dashctl session quarantine release-notes --reason "wrong repository"'],
  input: z.object({ session: z.string(), reason: reasonText, tenant: z.string().optional() }),
  run: async ({ session: sessionKey, reason, tenant }, context) => {
    const client = await context.client();
    const answer = await client.sessions.quarantine({
      params: { sessionKey },
      query: defined({ tenant }),
      body: { reason },
      signal: context.signal,
    });
    return said(answer, 'set apart', context);
  },
});

export const sessionRelease = defineCommand({
  path: ['session', 'release'],
  summary: 'End the quarantine of a session',
  arguments: [sessionArgument],
  options: [{ flags: '--reason <text>', help: 'why; kept in the event' }, tenantOption],
  examples: ['dashctl session release release-notes'],
  input: z.object({
    session: z.string(),
    reason: z.string().optional(),
    tenant: z.string().optional(),
  }),
  run: async ({ session: sessionKey, reason, tenant }, context) => {
    const client = await context.client();
    const answer = await client.sessions.release({
      params: { sessionKey },
      query: defined({ tenant }),
      body: defined({ reason }),
      signal: context.signal,
    });
    return said(answer, 'released', context);
  },
});

export const sessionMigrate = defineCommand({
  path: ['session', 'migrate'],
  summary: 'Move a session to another gateway',
  details:
    'Without --gateway it goes to whichever takes its next task. The conversation so far stays behind. Refused while ' +
    'anything of the session may still run where it is.',
  arguments: [sessionArgument],
  options: [
    { flags: '--gateway <gateway>', help: 'where to' },
    { flags: '--reason <text>', help: 'why; kept in the event' },
    tenantOption,
  ],
  examples: [
    'dashctl session migrate release-notes --gateway local-2 --reason "disk of local-1 failed"',
  ],
  input: z.object({
    session: z.string(),
    gateway: z.string().optional(),
    reason: reasonText,
    tenant: z.string().optional(),
  }),
  run: async ({ session: sessionKey, gateway, reason, tenant }, context) => {
    const client = await context.client();
    const answer = await client.sessions.migrate({
      params: { sessionKey },
      query: defined({ tenant }),
      body: { reason, ...defined({ gateway }) },
      signal: context.signal,
    });
    const where = answer.gatewayId ?? 'the gateway that takes its next task';
    return said(answer, `moved to ${where}`, context);
  },
});

function said(session: Session, words: string, context: CliContext): ExitCode {
  context.output.result(session, (print) => print.line(`${session.key} ${words}`));
  return EXIT.ok;
}

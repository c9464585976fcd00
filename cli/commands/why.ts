import { z } from 'zod';
import type { DashClient } from '../../src/contract/client.ts';
import type { Why, WhyReason } from '../../src/contract/why.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined } from '../fields.ts';
import { age } from '../output/format.ts';
import type { Print } from '../output/output.ts';

export const why = defineCommand({
  path: ['why'],
  summary: 'Say why a task, session, swarm or gateway stands where it stands',
  details:
    'The binding reason first, then what else holds, each with what could be done about it. A task or swarm is known by ' +
    'its id, a session is written as session:<key>, anything else is a gateway (or gateway:<id>).',
  arguments: [{ name: 'what', help: 'task id, swarm id, gateway id or session:<key>' }],
  options: [{ flags: '--tenant <tenant>', help: "whose session (the API key's own tenant)" }],
  examples: [
    'dashctl why task-01j…',
    'dashctl why swarm-01j…',
    'dashctl why session:release-notes',
    'dashctl why local-1 --json',
  ],
  input: z.object({ what: z.string(), tenant: z.string().optional() }),
  run: async ({ what, tenant }, context) => {
    const answer = await ask(await context.client(), what, { tenant, signal: context.signal });
    context.output.result(answer, (print) => show(answer, print, context.clock.now()));
    return EXIT.ok;
  },
});

function ask(
  client: DashClient,
  what: string,
  { tenant, signal }: { readonly tenant: string | undefined; readonly signal: AbortSignal },
): Promise<Why> {
  if (what.startsWith('session:')) {
    const sessionKey = what.slice('session:'.length);
    return client.sessions.why({ params: { sessionKey }, query: defined({ tenant }), signal });
  }
  if (what.startsWith('task-')) return client.tasks.why({ params: { taskId: what }, signal });
  if (what.startsWith('swarm-')) return client.swarms.why({ params: { swarmId: what }, signal });
  const gatewayId = what.replace(/^gateway:/, '');
  return client.gateways.why({ params: { gatewayId }, signal });
}

function show({ subject, state, reasons }: Why, print: Print, nowMs: number): void {
  print.line(`${subject.kind} ${subject.id} is ${state}.`);
  for (const [index, reason] of reasons.entries()) {
    print.line();
    print.foreign(index === 0 ? print.paint('bold', reason.sentence) : reason.sentence);
    print.fields(fieldsOf(reason, nowMs));
  }
}

function fieldsOf({ code, since, until, action }: WhyReason, nowMs: number): [string, string][] {
  return [
    ['  reason', code],
    ...(since === null ? [] : [['  since', `${since} (${age(since, nowMs)})`] as [string, string]]),
    ...(until === null ? [] : [['  until', until] as [string, string]]),
    ...(action === null ? [] : [['  what to do', action] as [string, string]]),
  ];
}

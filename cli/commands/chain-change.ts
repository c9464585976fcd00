import { z } from 'zod';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { defined, flag, momentFrom, momentText, spanSeconds, textList } from '../fields.ts';
import { chainFields, EXIT_OF, EXIT_WORDS, stepColumns } from './chain-read.ts';

const gatewayArgument = { name: 'gateway', help: 'gateway id' };
const ofGateway = z.object({ gateway: z.string() });

export const chainSet = defineCommand({
  path: ['chain', 'set'],
  summary: 'Watch the way to a dashboard, or change what is said of it',
  details:
    'Says all of it: what is not given follows from the gateway. Everything else (the origins that the gateway must ' +
    'let in, the addresses it listens on, other URLs) is derived and shown by `dashctl chain status`.',
  arguments: [gatewayArgument],
  options: [
    { flags: '--access-url <url>', help: 'where people open it (default: on its host)' },
    { flags: '--proxied', help: 'a proxy or tunnel of that machine speaks for the URL' },
    { flags: '--bind <address>', help: 'where it listens', choices: ['127.0.0.1', '0.0.0.0'] },
    { flags: '--wsl-address <address>', help: 'the address of the machine as Windows sees it' },
    {
      flags: '--origin <url>',
      help: 'another page that speaks to the gateway from a browser',
      repeatable: true,
    },
    { flags: '--pin <fingerprint>', help: 'SHA-256 of a certificate that nobody signed' },
    { flags: '--no-heal', help: 'only tell what is broken' },
    {
      flags: '--settle <span>',
      help: 'how long it has to stay well after an action (default: 25s)',
    },
    { flags: '--interval <span>', help: 'between two looks (default: 15s)' },
  ],
  examples: [
    'dashctl chain set local',
    'dashctl chain set gw-1 --access-url https://agents.example',
  ],
  input: z.object({
    gateway: z.string(),
    accessUrl: z.string().optional(),
    proxied: flag,
    bind: z.enum(['127.0.0.1', '0.0.0.0']).optional(),
    wslAddress: z.string().optional(),
    origin: textList,
    pin: z.string().optional(),
    heal: z.boolean().default(true),
    settle: spanSeconds.optional(),
    interval: spanSeconds.optional(),
  }),
  run: async ({ gateway: gatewayId, origin, pin, heal, settle, interval, ...same }, context) => {
    const client = await context.client();
    const body = defined({
      ...same,
      otherOrigins: origin,
      pinnedFingerprint: pin,
      heal: heal ? ('auto' as const) : ('off' as const),
      settleSeconds: settle,
      intervalSeconds: interval,
    });
    const chain = await client.chains.put({ params: { gatewayId }, body, signal: context.signal });
    const nowMs = context.clock.now();
    context.output.result(chain, (print) => print.fields(chainFields(chain, nowMs)));
    return EXIT.ok;
  },
});

export const chainHeal = defineCommand({
  path: ['chain', 'heal'],
  summary: 'Mend now what is broken on the way to a dashboard',
  details: `Takes only the actions that are needed, looks again after each, and waits until the chain has settled. What lies outside, and what others own, is told and not touched. Forgets earlier tries, and never the restart budget of the gateway. ${EXIT_WORDS}`,
  arguments: [gatewayArgument],
  options: [{ flags: '--dry-run', help: 'only say what would be done' }],
  examples: ['dashctl chain heal gw-1 --dry-run'],
  input: z.object({ gateway: z.string(), dryRun: flag }),
  run: async ({ gateway: gatewayId, dryRun }, context) => {
    const client = await context.client();
    if (!dryRun) context.output.note('Looking, mending and looking again: this may take minutes.');
    const request = { params: { gatewayId }, body: { dryRun }, signal: context.signal };
    const done = await client.chains.heal(request);
    context.output.result(done, (print) => {
      for (const { link, action, reason, healed } of done.taken)
        print.line(
          `${link}: ${action} because of ${reason}${healed ? '' : ', which did not help'}`,
        );
      print.line(done.diagnosis);
      if (done.plan.length > 0) print.table(stepColumns, done.plan);
    });
    return EXIT_OF[done.health];
  },
});

export const chainPause = defineCommand({
  path: ['chain', 'pause'],
  summary: 'Take what is down as planned, for a while',
  arguments: [gatewayArgument],
  options: [
    { flags: '--until <moment>', help: 'ISO 8601, or +2h (default: until it is resumed)' },
    { flags: '--reason <text>', help: 'for whoever wonders' },
  ],
  examples: ['dashctl chain pause gw-1 --until +2h --reason "the proxy moves"'],
  input: z.object({
    gateway: z.string(),
    until: momentText.optional(),
    reason: z.string().optional(),
  }),
  run: async ({ gateway: gatewayId, until, reason }, context) => {
    const nowMs = context.clock.now();
    const body = defined({
      reason,
      until: until === undefined ? undefined : momentFrom(until, nowMs),
    });
    const client = await context.client();
    const request = { params: { gatewayId }, body, signal: context.signal };
    const chain = await client.chains.pause(request);
    context.output.result(chain, (print) => print.fields(chainFields(chain, nowMs)));
    return EXIT.ok;
  },
});

export const chainResume = defineCommand({
  path: ['chain', 'resume'],
  summary: 'End a pause',
  arguments: [gatewayArgument],
  input: ofGateway,
  run: async ({ gateway: gatewayId }, context) => {
    const client = await context.client();
    const chain = await client.chains.resume({ params: { gatewayId }, signal: context.signal });
    const nowMs = context.clock.now();
    context.output.result(chain, (print) => print.fields(chainFields(chain, nowMs)));
    return EXIT.ok;
  },
});

export const chainRemove = defineCommand({
  path: ['chain', 'remove'],
  summary: 'Watch the way to a dashboard no more',
  arguments: [gatewayArgument],
  input: ofGateway,
  run: async ({ gateway: gatewayId }, context) => {
    const client = await context.client();
    const answer = await client.chains.remove({ params: { gatewayId }, signal: context.signal });
    context.output.result(answer, (print) => {
      print.line(`${answer.removed} is watched no more`);
      if (answer.leftOrigins.length > 0)
        print.line(`It still lets in what Dash has added: ${answer.leftOrigins.join(' ')}`);
    });
    return EXIT.ok;
  },
});

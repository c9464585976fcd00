import { z } from 'zod';
import type { Gateway } from '../../src/contract/gateways.ts';
import { defineCommand, type Command } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { flag, spanSeconds } from '../fields.ts';
import { followGateway, gatewayStateWords } from '../gateway-state.ts';

type Verb =
  'start' | 'stop' | 'drain' | 'undrain' | 'cordon' | 'uncordon' | 'restart' | 'recover' | 'remove';

interface VerbSpec {
  readonly verb: Verb;
  readonly summary: string;
  readonly details?: string;
  /** With --wait: whether the wish has come true; `before` is the gateway as it was when asked. */
  readonly isReached: (now: Gateway, before: Gateway) => boolean;
}

const isOpen = ({ state }: Gateway): boolean => state === 'open' || state === 'degraded';

const verbs: readonly VerbSpec[] = [
  { verb: 'start', summary: 'Start a gateway, or connect to it', isReached: isOpen },
  {
    verb: 'stop',
    summary: 'Drain and stop a gateway',
    isReached: ({ state }) => state === 'stopped',
  },
  {
    verb: 'drain',
    summary: 'Let running work of a gateway finish and take no new work',
    details:
      'Nothing is aborted: what runs longer than the bound of a drain is reported and goes on.',
    isReached: ({ state }) => state === 'drained',
  },
  { verb: 'undrain', summary: 'Take new work again after a drain', isReached: isOpen },
  {
    verb: 'cordon',
    summary: 'Take no new work on a gateway; running work goes on',
    isReached: ({ state }) => state === 'cordoned',
  },
  { verb: 'uncordon', summary: 'Take new work again after a cordon', isReached: isOpen },
  {
    verb: 'restart',
    summary: 'Drain and restart a gateway',
    details:
      'What still runs when it goes down is resumed by the gateway itself and adopted: one answer per task.',
    isReached: (now, before) => isOpen(now) && now.bootId !== before.bootId,
  },
  {
    verb: 'recover',
    summary: 'Bring a gateway back to its desired state now',
    details: 'Forgets back-off, looks at the restart budget, starts, reconnects and reconciles.',
    isReached: isOpen,
  },
  {
    verb: 'remove',
    summary: 'Remove a gateway for good',
    details:
      'Refused while an attempt is open there or a session lives there. Its id is never used again.',
    isReached: ({ state }) => state === 'removed',
  },
];

/** `gateway start … gateway remove`: each stores a wish; --wait follows it until it has come true. */
export const gatewayCommands: readonly Command[] = verbs.map((spec) =>
  defineCommand({
    path: ['gateway', spec.verb],
    summary: spec.summary,
    details: [
      spec.details,
      'Answers when the wish is stored; with --wait when it has come true (exit code 1 when the gateway failed instead).',
    ]
      .filter(Boolean)
      .join('\n\n'),
    arguments: [{ name: 'gateway', help: 'gateway id' }],
    options: [
      { flags: '--reason <text>', help: 'why, for the audit trail' },
      { flags: '--wait', help: 'until it has come true' },
      { flags: '--timeout <span>', help: 'with --wait: how long to wait (exit code 3 afterwards)' },
    ],
    examples: [`dashctl gateway ${spec.verb} local-1 --wait`],
    input: z.object({
      gateway: z.string(),
      reason: z.string().optional(),
      wait: flag,
      timeout: spanSeconds.optional(),
    }),
    run: (given, context) => ask(spec, given, context),
  }),
);

async function ask(
  { verb, isReached }: VerbSpec,
  given: {
    gateway: string;
    reason?: string | undefined;
    wait: boolean;
    timeout?: number | undefined;
  },
  context: CliContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const { gateway: gatewayId } = given;
  const client = await context.client();
  const params = { gatewayId };
  const before = await client.gateways.get({ params, signal });
  const body = given.reason === undefined ? {} : { reason: given.reason };
  const answer = await client.gateways[verb]({ params, body, signal });
  if (!given.wait) {
    output.result(answer, (print) =>
      print.line(`${gatewayId} ${verb}: the wish is stored (now ${answer.state})`),
    );
    return EXIT.ok;
  }
  const gateway = await followGateway({
    context,
    client,
    gatewayId,
    isEnd: (now) => isReached(now, before),
    timeoutMs: given.timeout === undefined ? undefined : given.timeout * 1000,
  });
  output.result(gateway, (print) => print.line(`${gatewayId} ${gatewayStateWords(gateway)}`));
  if (isReached(gateway, before)) return EXIT.ok;
  if (gateway.hint !== null) output.note(gateway.hint);
  return EXIT.failed;
}

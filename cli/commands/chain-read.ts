import { z } from 'zod';
import type { Chain, ChainLink, ChainLinks, ChainStep } from '../../src/contract/chain-dto.ts';
import type { Event } from '../../src/contract/event-dto.ts';
import { LINKS } from '../../src/domain/dashboard-chain/link.ts';
import type { ChainHealth } from '../../src/domain/dashboard-chain/words.ts';
import { defineCommand } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { age } from '../output/format.ts';
import type { Column } from '../output/table.ts';

const gatewayArgument = { name: 'gateway', help: 'gateway id' };
const ofGateway = z.object({ gateway: z.string() });

/** Cron jobs branch on these: down by plan is no alarm, and what nobody can tell is not down. */
export const EXIT_OF: Readonly<Record<ChainHealth, ExitCode>> = {
  healthy: EXIT.ok,
  planned: EXIT.ok,
  unhealthy: EXIT.failed,
  inconclusive: EXIT.unreachable,
};
export const EXIT_WORDS =
  'Exit code 0: healthy, or down by plan; 1: something is broken; 3: nobody can tell now.';

export const chainList = defineCommand({
  path: ['chain', 'list'],
  summary: 'List the dashboards that are watched',
  input: z.object({}),
  run: async (_input, context) => {
    const answer = await (await context.client()).chains.list({ signal: context.signal });
    context.output.result(answer, (print) => {
      if (answer.items.length === 0)
        print.line('No dashboard is watched: dashctl chain set --help');
      else print.table(columns, answer.items);
    });
    return EXIT.ok;
  },
});

export const chainStatus = defineCommand({
  path: ['chain', 'status'],
  summary: 'Say what is known of the way to a dashboard',
  details: `What its watch says; nothing is looked at anew. ${EXIT_WORDS}`,
  arguments: [gatewayArgument],
  input: ofGateway,
  run: async ({ gateway: gatewayId }, context) => {
    const client = await context.client();
    const chain = await client.chains.get({ params: { gatewayId }, signal: context.signal });
    const nowMs = context.clock.now();
    context.output.result(chain, (print) => {
      print.line(chain.diagnosis);
      print.fields(chainFields(chain, nowMs));
      if (chain.links !== null) {
        print.line();
        print.table(linkColumns, linkRows(chain.links));
      }
      if ((chain.plan?.length ?? 0) > 0) {
        print.line();
        print.table(stepColumns, chain.plan ?? []);
      }
    });
    return EXIT_OF[chain.health];
  },
});

export const chainVerify = defineCommand({
  path: ['chain', 'verify'],
  summary: 'Look at every link of the way to a dashboard now',
  details: `Changes nothing, and shows no credential to anybody. Takes up to 15 s when something lies outside. ${EXIT_WORDS}`,
  arguments: [gatewayArgument],
  input: ofGateway,
  run: async ({ gateway: gatewayId }, context) => {
    const client = await context.client();
    const look = await client.chains.verify({ params: { gatewayId }, signal: context.signal });
    context.output.result(look, (print) => {
      print.line(look.diagnosis);
      if (look.links !== null) print.table(linkColumns, linkRows(look.links));
    });
    return EXIT_OF[look.health];
  },
});

export const chainHistory = defineCommand({
  path: ['chain', 'history'],
  summary: 'Show what has happened to the way to a dashboard, newest first',
  arguments: [gatewayArgument],
  input: ofGateway,
  run: async ({ gateway: gatewayId }, context) => {
    const client = await context.client();
    const answer = await client.chains.history({ params: { gatewayId }, signal: context.signal });
    context.output.result(answer, (print) => print.table(historyColumns, answer.items));
    return EXIT.ok;
  },
});

export function chainFields(chain: Chain, nowMs: number): [string, string | number | null][] {
  const { pause, episodeSince, settings } = chain;
  return [
    ['gateway', chain.gatewayId],
    ['opened at', chain.accessUrl],
    ['also at', chain.fallbackUrls.join(' ') || null],
    ['lets in', chain.origins.join(' ')],
    ['port', `${chain.gatewayPort} on ${chain.bind}`],
    [
      'devices',
      chain.canIdentifyDevices ? 'can identify themselves' : 'need HTTPS, which it has not',
    ],
    ['trusts', settings.pinnedFingerprint],
    ['looked at', `every ${settings.intervalSeconds} s`],
    ['heals', settings.heal === 'auto' ? 'by itself' : 'only when asked'],
    [
      'so since',
      chain.lookedAt === null ? null : `${chain.lookedAt} (${age(chain.lookedAt, nowMs)})`,
    ],
    [
      'trouble',
      episodeSince === null ? null : `since ${episodeSince} (${age(episodeSince, nowMs)})`,
    ],
    ['flaps', chain.flapping.join(' ') || null],
    ['paused', pause === null ? null : pauseWords(pause)],
  ];
}

function pauseWords({ by, until, reason }: NonNullable<Chain['pause']>): string {
  return `by ${by}${until === null ? '' : ` until ${until}`}${reason === '' ? '' : `: ${reason}`}`;
}

interface LinkRow extends ChainLink {
  readonly name: string;
}

function linkRows(links: ChainLinks): readonly LinkRow[] {
  return LINKS.map((name) => ({ name, ...links[name] }));
}

const linkColumns: readonly Column<LinkRow>[] = [
  { title: 'LINK', value: ({ name }) => name },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'REASON', value: ({ reason }) => reason },
  { title: 'DETAIL', value: ({ detail }) => detail, canShrink: true },
  { title: 'SEEN', value: ({ evidence }) => evidenceWords(evidence), canShrink: true },
];

function evidenceWords(evidence: ChainLink['evidence']): string | null {
  const words = Object.entries(evidence).map(([name, value]) => `${name}=${String(value)}`);
  return words.length === 0 ? null : words.join(' ');
}

export const stepColumns: readonly Column<ChainStep>[] = [
  { title: 'LINK', value: ({ link }) => link },
  { title: 'WHO', value: ({ kind }) => (kind === 'person' ? 'a person' : 'Dash') },
  { title: 'WHAT', value: ({ kind, action }) => action ?? (kind === 'wait' ? 'waits' : 'decides') },
  { title: 'UNTIL', value: ({ until }) => until },
  { title: 'BECAUSE', value: ({ because, reason }) => because ?? reason, canShrink: true },
];

const columns: readonly Column<Chain>[] = [
  { title: 'GATEWAY', value: ({ gatewayId }) => gatewayId },
  { title: 'HEALTH', value: ({ health }) => health },
  { title: 'OPENED AT', value: ({ accessUrl }) => accessUrl, canShrink: true },
  { title: 'DIAGNOSIS', value: ({ diagnosis }) => diagnosis, canShrink: true },
];

const historyColumns: readonly Column<Event>[] = [
  { title: 'WHEN', value: ({ at }) => at },
  { title: 'WHAT', value: ({ type }) => type.replace('chain.', '') },
  { title: 'WHO', value: ({ actor }) => actor },
  { title: 'TOLD', value: toldOf, canShrink: true },
];

function toldOf({ data }: Event): string | null {
  const { diagnosis, episode, reason, action, healed } = data;
  if (typeof action === 'string')
    return `${action} because of ${String(reason)}${healed === true ? '' : ', which did not help'}`;
  const told = [diagnosis, typeof episode === 'string' ? `(trouble ${episode})` : null, reason];
  return told.filter((one) => typeof one === 'string' && one !== '').join(' ') || null;
}

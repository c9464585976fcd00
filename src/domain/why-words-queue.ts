import { forSpan, howMany, listWords, spanWords } from './span-words.ts';
import type { BusyGateway, QueueCode, WordsOf } from './why-reasons.ts';

/** Why a task that may be claimed is not, in words. */
export const QUEUE_WORDS: WordsOf<QueueCode> = {
  'fleet-paused': ({ facts, since }) => ({
    sentence: `The fleet has been paused${forSpan(since)}${facts.by === null ? '' : ` by ${facts.by}`}${facts.reason === null ? '' : ` (${facts.reason})`}: nothing is claimed anywhere, what runs goes on.`,
    action: 'Resume it when the reason for the pause is gone: dashctl fleet resume',
  }),
  'temporal-unreachable': ({ facts }) => ({
    sentence: `Temporal does not answer (${facts.detail}): without it nothing is bound to a lane.`,
    action: 'Bring Temporal back; queued work goes on by itself then. dashctl doctor shows it.',
  }),
  'workflows-behind': ({ facts }) => ({
    sentence: `${howMany(facts.waiting, 'step')} of workflows ${facts.waiting === 1 ? 'waits' : 'wait'} for a control worker, the oldest for ${spanWords(facts.oldestMs)}: until they are taken, cancels, retries and swarms wait, and hosts soon claim nothing more.`,
    action:
      'Look whether control workers run (npm start, or docker compose ps control-worker), and add one if those that run are busy.',
  }),
  'pool-empty': ({ facts }) => ({
    sentence: `No gateway belongs to the pool ${facts.pool}.`,
    action: `Add a gateway with the labels that the pool asks for (dashctl gateway add), or submit to another pool.`,
  }),
  'tenant-not-allowed': ({ facts }) => ({
    sentence:
      facts.pinnedTo === null
        ? `No gateway of the pool ${facts.pool} works for the tenant ${facts.tenant}.`
        : `It can only run on gateway ${facts.pinnedTo}, which does not work for the tenant ${facts.tenant}.`,
    action: `Add a gateway for this tenant, or allow the tenant on ${facts.gateways.length === 0 ? 'one that is there' : listWords(facts.gateways)}.`,
  }),
  'no-host-alive': ({ facts }) => ({
    sentence:
      facts.hosts.length === 0
        ? 'No host holds a gateway that could take it.'
        : `No host is alive: ${listWords(facts.hosts.map(({ host }) => host))} ${facts.hosts.length === 1 ? 'gives' : 'give'} no sign.`,
    action: 'Start a gateway host, or look at the log of the one that should run.',
  }),
  'gateways-unavailable': ({ facts }) => ({
    sentence: unavailable(facts.gateways, facts),
    action: facts.gateways.find(({ hint }) => hint !== null)?.hint ?? lookAt(facts.gateways[0]?.id),
  }),
  'lanes-busy': ({ facts }) => ({
    sentence:
      facts.pinnedTo === null
        ? `Every lane of the pool ${facts.pool} is in use: ${listWords(facts.gateways.map(busyWords))}.`
        : `${placeWords(facts)} is full: ${listWords(facts.gateways.map(busyWords))}.`,
    action:
      'Nothing needs to be done: it starts when a lane frees. More lanes or gateways start it sooner.',
  }),
  'tenant-cap': ({ facts }) => ({
    sentence: `The tenant ${facts.tenant} runs ${facts.running} tasks at once and may run ${facts.limit}.`,
    action: 'It starts when one of them ends; raise the cap of the tenant to start it sooner.',
  }),
  'total-cap': ({ facts }) => ({
    sentence: `The installation runs ${facts.running} tasks at once and may run ${facts.limit}.`,
    action: 'It starts when one of them ends; raise the total cap to start it sooner.',
  }),
  'in-line': ({ facts }) => ({
    sentence: rankWords(facts),
    action: null,
  }),
  'about-to-be-claimed': ({ facts, since }) => ({
    sentence: `It is next: ${listWords(facts.gateways)} ${facts.gateways.length === 1 ? 'has' : 'have'} a free lane, and it has been claimable${forSpan(since)}.`,
    action: null,
  }),
  'hosts-not-claiming': ({ facts, since }) => ({
    sentence: `It has been claimable${forSpan(since)} and lanes are free on ${listWords(facts.gateways.map(({ id }) => id))}, but no host claims it.`,
    action: `Look at the log of ${listWords([...new Set(facts.gateways.map(({ host }) => host ?? 'the host'))])}: a host claims nothing while Temporal does not confirm that it holds its gateways, or owes it answers about what it has claimed.`,
  }),
};

function placeWords(facts: {
  readonly pinnedTo: string | null;
  readonly session: string | null;
}): string {
  const gateway = facts.pinnedTo ?? '';
  return facts.session === null
    ? `It can only run on gateway ${gateway}, where an attempt of it was made, and that`
    : `Its session ${facts.session} lives on gateway ${gateway}, and that`;
}

function unavailable(
  gateways: readonly { readonly id: string; readonly why: string }[],
  facts: {
    readonly pool: string;
    readonly pinnedTo: string | null;
    readonly session: string | null;
  },
): string {
  const first = gateways[0];
  if (facts.pinnedTo !== null) return `${placeWords(facts)} ${first?.why ?? 'takes no work'}.`;
  const words = gateways.map(({ id, why }) => `${id} ${why}`);
  return `No gateway of the pool ${facts.pool} takes work: ${listWords(words)}.`;
}

function lookAt(gatewayId: string | undefined): string {
  return `dashctl why ${gatewayId ?? '<gateway>'} says what it needs.`;
}

function busyWords({ id, lanes, held, foreign, busyWith }: BusyGateway): string {
  const longest = busyWith[0];
  const parts = [
    `${held} of ${lanes} held`,
    ...(foreign === 0 ? [] : [`${howMany(foreign, 'run')} of others`]),
    ...(longest === undefined
      ? []
      : [
          `longest by ${longest.taskId ?? 'a task of another tenant'} for ${spanWords(longest.since.agoMs)}`,
        ]),
  ];
  return `${id} (${parts.join(', ')})`;
}

function rankWords(facts: {
  readonly pool: string;
  readonly priority: string;
  readonly place: number | null;
  readonly pinnedAhead: number;
  readonly openInPool: number | null;
}): string {
  const level = `as ${facts.priority} in the pool ${facts.pool}`;
  if (facts.place === null) {
    return `More than 1 000 tasks are before it ${level}, which has ${facts.openInPool ?? 0} open tasks.`;
  }
  const pinned =
    facts.pinnedAhead === 0
      ? ''
      : `; ${howMany(facts.pinnedAhead, 'task')} of sessions that live on one gateway ${facts.pinnedAhead === 1 ? 'is' : 'are'} before it too`;
  if (facts.place === 1) return `It is the next ${level}${pinned}.`;
  return `It is number ${facts.place} ${level}: ${howMany(facts.place - 1, 'task')} before it${pinned}.`;
}

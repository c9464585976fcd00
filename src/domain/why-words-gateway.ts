import { forSpan, howMany, listWords } from './span-words.ts';
import type { Moment } from './why-facts.ts';
import type { GatewayAt, GatewayCode, WordsOf } from './why-reasons.ts';

interface At {
  readonly facts: GatewayAt;
  readonly since: Moment | null;
}

/** What a gateway does or waits for, in words. */
export const GATEWAY_WORDS: WordsOf<GatewayCode> = {
  'gateway-registered': (at) => ({
    sentence: `It was registered${ago(at)} and no host has taken it yet.`,
    action: hintOr(
      at,
      'Start a gateway host that may hold it; look at the control worker if one runs.',
    ),
  }),
  'gateway-starting': (at) => ({
    sentence: `It has been starting${forSpan(at.since)} on ${host(at)}${because(at)}.`,
    action: hintOr(at, null),
  }),
  'gateway-reconciling': (at) => ({
    sentence: `${host(at)} has been comparing what it runs with what Dash knows${forSpan(at.since)}${because(at)}.`,
    action: hintOr(at, null),
  }),
  'gateway-open': (at) => ({
    sentence: `It has been open${forSpan(at.since)}, held by ${host(at)}.`,
    action: hintOr(at, null),
  }),
  'gateway-degraded': (at) => ({
    sentence: `It has been degraded${forSpan(at.since)}${because(at)}; it takes work.`,
    action: hintOr(at, null),
  }),
  'gateway-draining': (at) => ({
    sentence: `It has been draining${forSpan(at.since)}${because(at)}: it takes no new work and waits for its runs.`,
    action: hintOr(at, `dashctl gateway undrain ${at.facts.gatewayId} takes the wish back.`),
  }),
  'gateway-drained': (at) => ({
    sentence: `It is drained${forSpan(at.since)} and takes no work.`,
    action: hintOr(at, `dashctl gateway undrain ${at.facts.gatewayId}`),
  }),
  'gateway-cordoned': (at) => ({
    sentence: `It is cordoned${forSpan(at.since)}: it takes no new work, its runs go on.`,
    action: hintOr(at, `dashctl gateway uncordon ${at.facts.gatewayId}`),
  }),
  'gateway-stopping': (at) => ({
    sentence: `It has been stopping${forSpan(at.since)}${because(at)}.`,
    action: hintOr(at, null),
  }),
  'gateway-stopped': (at) => ({
    sentence: `It is stopped${forSpan(at.since)}.`,
    action: hintOr(at, `dashctl gateway start ${at.facts.gatewayId}`),
  }),
  'gateway-unreachable': (at) => ({
    sentence: `It has been out of reach of ${host(at)}${forSpan(at.since)}${because(at)}.`,
    action: hintOr(at, 'See whether it runs and whether its host can reach its endpoint.'),
  }),
  'gateway-unowned': (at) => ({
    sentence: `No host has held it${forSpan(at.since)}${because(at)}.`,
    action: hintOr(at, 'Start a gateway host that may hold it.'),
  }),
  'gateway-failed': (at) => ({
    sentence: `It failed${at.facts.failure === null ? '' : ` (${at.facts.failure})`}${ago(at)}${because(at)}.`,
    action: hintOr(at, `Mend the cause, then: dashctl gateway recover ${at.facts.gatewayId}`),
  }),
  'gateway-removed': (at) => ({
    sentence: `It was removed${ago(at)}; its id is never used again.`,
    action: null,
  }),
  'owner-silent': ({ facts, since }) => ({
    sentence: `Its host ${facts.host} has given no sign${forSpan(since)}.`,
    action: `See whether the host ${facts.host} runs and reaches PostgreSQL; another host takes an adopted gateway over by itself when Temporal is there.`,
  }),
  'wish-not-reached': ({ facts }) => ({
    sentence: `It is wanted ${facts.desired} and is ${facts.state}.`,
    action: null,
  }),
  'lanes-in-use': ({ facts }) => ({
    sentence: `All of its ${howMany(facts.lanes, 'lane')} are in use: ${facts.held} by Dash${facts.foreign === 0 ? '' : `, ${facts.foreign} by others`}${facts.busyWith.length === 0 ? '' : ` (${listWords(facts.busyWith.map(({ taskId }) => taskId ?? 'a task of another tenant'))})`}.`,
    action: null,
  }),
  'lanes-cut-by-health': ({ facts }) => ({
    sentence:
      facts.lanes === 0
        ? 'It is unhealthy and gets no new work until it has recovered.'
        : `Its health leaves it ${howMany(facts.lanes, 'lane')}; it gets more as it recovers.`,
    action: `dashctl gateway get ${facts.gatewayId} shows what its owner sees of it.`,
  }),
  'lanes-free': ({ facts }) => ({
    sentence: `${facts.free} of its ${howMany(facts.lanes, 'lane')} ${facts.free === 1 ? 'is' : 'are'} free${facts.foreign === 0 ? '' : `; ${howMany(facts.foreign, 'run')} there ${facts.foreign === 1 ? 'is' : 'are'} not of Dash`}.`,
    action: null,
  }),
  'work-waits-for-it': ({ facts }) => ({
    sentence: `${howMany(facts.pinnedTasks, 'task')} can run only here; ${howMany(facts.sessions, 'session lives', 'sessions live')} here.`,
    action: null,
  }),
};

function ago(at: At): string {
  return at.since === null ? '' : `${forSpan(at.since).replace(' for ', ' ')} ago`;
}

function because({ facts }: At): string {
  return facts.reason === null ? '' : `: ${facts.reason}`;
}

function host({ facts }: At): string {
  return facts.host === null ? 'no host' : `host ${facts.host}`;
}

function hintOr({ facts }: At, otherwise: string | null): string | null {
  return facts.hint ?? otherwise;
}

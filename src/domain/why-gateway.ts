import { busyGateway, freeLanes, isSilent } from './why-closed.ts';
import { takesWork, type GatewayState } from './gateway.ts';
import type { GatewayFacts, GatewayWhyFacts } from './why-facts.ts';
import { because, type Reason } from './why-reasons.ts';
import { temporalTrouble, type TemporalCheck } from './why-temporal.ts';
import type { Reasons } from './why.ts';

/**
 * What a gateway does or waits for: its state with its hint, then what is wanted of it, its lanes, and the work that
 * only it can do. A host that gives no sign comes first: the state is as old as its last sign then.
 */
export function whyGateway(facts: GatewayWhyFacts, temporal: TemporalCheck): Reasons {
  const { gateway, lanes, pinnedTasks, sessions } = facts;
  const state = stateReason(gateway);
  if (gateway.state === 'removed') return [state];
  const more = [
    ...temporalTrouble(temporal),
    ...wish(gateway),
    ...laneReason(facts),
    ...(lanes.health === null
      ? []
      : [because('lanes-cut-by-health', { gatewayId: gateway.id, lanes: lanes.health })]),
    ...(pinnedTasks + sessions === 0
      ? []
      : [because('work-waits-for-it', { gatewayId: gateway.id, pinnedTasks, sessions })]),
  ];
  const { ownerHost } = gateway;
  const isMeantToWork = gateway.desiredState !== 'stopped' && !SETTLED.includes(gateway.state);
  if (ownerHost !== null && isMeantToWork && isSilent(gateway)) {
    const silent = { gatewayId: gateway.id, host: ownerHost };
    return [because('owner-silent', silent, { since: gateway.lastSeen }), state, ...more];
  }
  const full = takesWork(gateway.state) && lanes.capacity > 0 && freeLanes(facts) === 0;
  if (!full) return [state, ...more];
  const [first, ...rest] = laneReason(facts);
  return first === undefined
    ? [state, ...more]
    : [first, state, ...more.filter((one) => one.code !== first.code), ...rest];
}

/** In these nobody needs to give a sign. */
const SETTLED: readonly GatewayState[] = ['registered', 'stopped', 'unowned', 'failed', 'removed'];

function stateReason(gateway: GatewayFacts): Reason {
  const { id, state, since, reason, hint, failure, ownerHost } = gateway;
  const facts = { gatewayId: id, reason, hint, failure, host: ownerHost };
  return because(`gateway-${state}`, facts, { since });
}

const REACHED: Readonly<Record<string, readonly GatewayState[]>> = {
  running: ['open', 'degraded'],
  drained: ['drained'],
  cordoned: ['cordoned'],
  stopped: ['stopped'],
};

function wish({ desiredState, state }: GatewayFacts): Reason[] {
  const reached = REACHED[desiredState]?.includes(state) ?? true;
  return reached ? [] : [because('wish-not-reached', { desired: desiredState, state })];
}

function laneReason(facts: GatewayWhyFacts): Reason[] {
  const { gateway, lanes, busyWith } = facts;
  if (!takesWork(gateway.state) && lanes.held === 0) return [];
  const free = freeLanes(facts);
  if (free > 0 && takesWork(gateway.state)) {
    return [because('lanes-free', { free, lanes: lanes.capacity, foreign: lanes.foreign })];
  }
  return [because('lanes-in-use', busyGateway({ id: gateway.id, lanes, busyWith }))];
}

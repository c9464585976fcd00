import { assertNever } from './assert-never.ts';

/** Who runs the gateway's process: Dash (`managed`) or somebody else (`adopted`: Dash only connects). */
export type GatewayKind = 'managed' | 'adopted';

/** The states of architecture.md section 7; `failed` carries why in `failureReason`. */
export const GATEWAY_STATES = [
  'registered',
  'starting',
  'reconciling',
  'open',
  'degraded',
  'draining',
  'drained',
  'cordoned',
  'stopping',
  'stopped',
  'unreachable',
  'unowned',
  'failed',
  'removed',
] as const;
export type GatewayState = (typeof GATEWAY_STATES)[number];

/** Why a gateway is `failed`: each needs a person, none is retried by itself. */
export const GATEWAY_FAILURES = [
  'configuration',
  'crash-loop',
  'protocol',
  'auth',
  'pairing',
] as const;
export type GatewayFailure = (typeof GATEWAY_FAILURES)[number];

/** What an operator can ask of a gateway. */
export const GATEWAY_MESSAGES = [
  'start',
  'stop',
  'restart',
  'drain',
  'undrain',
  'cordon',
  'uncordon',
  'recover',
  'remove',
] as const;
export type GatewayMessage = (typeof GATEWAY_MESSAGES)[number];

/** What each state accepts; everything else is answered with the state and this list. */
export function acceptedMessages(state: GatewayState): readonly GatewayMessage[] {
  switch (state) {
    case 'registered':
    case 'stopped':
    case 'failed':
      return ['start', 'remove', 'recover'];
    case 'starting':
    case 'reconciling':
    case 'stopping':
    case 'unowned':
    case 'unreachable':
      return ['stop', 'cordon', 'recover', 'remove'];
    case 'open':
    case 'degraded':
      return ['drain', 'cordon', 'restart', 'stop', 'recover'];
    case 'draining':
    case 'drained':
    case 'cordoned':
      return ['undrain', 'uncordon', 'restart', 'stop', 'remove'];
    case 'removed':
      return [];
    default:
      return assertNever(state);
  }
}

/** Only these take new sends (P23). */
export function takesWork(state: GatewayState): boolean {
  return state === 'open' || state === 'degraded';
}

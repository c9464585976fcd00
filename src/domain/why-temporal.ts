import { because, type Reason } from './why-reasons.ts';

/** How Temporal answered just now, and how far the control workers are behind with the workflows. */
export type TemporalCheck =
  | { readonly kind: 'ok' }
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** `waiting`: workflow tasks that no control worker has taken yet. */
  | { readonly kind: 'behind'; readonly waiting: number; readonly oldestMs: number };

/** A workflow task is taken within milliseconds. */
export const TAKEN_WITHIN_MS = 2_000;

/** What of it keeps work waiting; empty: nothing. */
export function temporalTrouble(temporal: TemporalCheck): Reason[] {
  if (temporal.kind === 'ok') return [];
  if (temporal.kind === 'unreachable')
    return [because('temporal-unreachable', { detail: temporal.detail })];
  const { waiting, oldestMs } = temporal;
  return [because('workflows-behind', { waiting, oldestMs })];
}

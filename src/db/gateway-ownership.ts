import type { GatewayKind } from '../domain/gateway.ts';
import type { Database } from './database.ts';
import { releaseAttempt, type ReleaseResult } from './attempt-run.ts';
import { plannedAttempts } from './attempt-record.ts';

export type AllocateResult =
  | {
      readonly kind: 'allocated';
      readonly ownerEpoch: number;
      readonly gatewayKind: GatewayKind;
      /** The host that held it last; null: nobody yet. */
      readonly lastHost: string | null;
    }
  | { readonly kind: 'removed' }
  | { readonly kind: 'not-found' };

/** A fresh epoch for the next hold, greater than every one before (P25). It owns nothing until it is taken. */
export function allocateOwnerEpoch(
  db: Database,
  options: { readonly gatewayId: string },
): Promise<AllocateResult> {
  return db.call('allocate_owner_epoch', options);
}

export type TakeResult =
  | { readonly kind: 'taken' }
  | {
      readonly kind: 'superseded';
      readonly ownerEpoch: number;
      readonly ownerHost: string | null;
    }
  | { readonly kind: 'removed' }
  | { readonly kind: 'not-found' };

/**
 * Makes this host the owner, if its epoch is greater than the owner's (P25); again with the same epoch and host
 * changes nothing. From this commit on every write with an older epoch is refused.
 */
export function takeOwnership(
  db: Database,
  options: { readonly gatewayId: string; readonly hostId: string; readonly ownerEpoch: number },
): Promise<TakeResult> {
  return db.call('take_ownership', options);
}

export interface Ownership {
  readonly ownerEpoch: number;
  readonly ownerHost: string | null;
}

/** Who owns the gateway by its row (P24 asks this when a renewal is stale); null: no such gateway. */
export function readOwnerEpoch(db: Database, gatewayId: string): Promise<Ownership | null> {
  return db.call('read_owner_epoch', { gatewayId });
}

export interface ClaimsChange {
  readonly kind: 'ok' | 'not-found';
  /** Planned attempts that were given back when claims were closed. */
  readonly released: readonly { readonly attemptId: string; readonly result: ReleaseResult }[];
}

/**
 * Opens or closes a gateway for claims, under the claim lock (P9): when this answers, no later claim takes it.
 * Closing then releases its planned attempts, each by itself (P38); one that began sending meanwhile stays.
 */
export async function setClaimsOpen(
  db: Database,
  options: { readonly gatewayId: string; readonly open: boolean; readonly reason: string },
): Promise<ClaimsChange> {
  const { kind } = await db.call<{ kind: 'ok' | 'not-found' }>('set_claims_open', options);
  if (kind === 'not-found' || options.open) return { kind, released: [] };
  const released: { attemptId: string; result: ReleaseResult }[] = [];
  for (const { attemptId } of await plannedAttempts(db, [options.gatewayId])) {
    const result = await releaseAttempt(db, {
      attemptId,
      reason: options.reason,
      from: 'planned',
    });
    released.push({ attemptId, result });
  }
  return { kind, released };
}

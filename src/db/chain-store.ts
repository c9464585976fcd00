import type { ChainSettings } from '../domain/dashboard-chain/settings.ts';
import type { ChainVerdict, LinkName } from '../domain/dashboard-chain/link.ts';
import type { PlannedStep } from '../domain/dashboard-chain/plan.ts';
import type { TakenAction } from '../domain/messages.ts';
import type { GatewayKind, GatewayState } from '../domain/gateway.ts';
import type { Database } from './database.ts';
import type { EventRecord } from './event-store.ts';
import type { DesiredState } from './gateway-record.ts';

/** For so long nobody is alarmed by a chain, and nothing of it is healed. */
export interface ChainPause {
  /** ISO 8601; null: until somebody resumes it. */
  readonly until: string | null;
  readonly reason: string;
}

export interface ChainRecord {
  readonly gatewayId: string;
  /** Of the gateway, as it is now. */
  readonly endpoint: string;
  readonly settings: ChainSettings;
  /** Names the settings: another one with each change. */
  readonly revision: number;
  /** null: none, or its end has come. */
  readonly pause: (ChainPause & { readonly by: string; readonly at: string }) | null;
  /** As its watch says it; null: nobody has looked yet, or nobody can, because no host holds the gateway. */
  readonly verdict: ChainVerdict | null;
  readonly flapping: readonly LinkName[];
  /** Origins that Dash has put into the gateway's configuration. */
  readonly placedOrigins: readonly string[];
  /** What is to be done about it, and by whom; null: nothing was planned yet. */
  readonly plan: readonly PlannedStep[] | null;
  readonly verdictAt: string | null;
  /** Since when something of it does not work; null: all is well. */
  readonly episodeSince: string | null;
  readonly gateway: {
    readonly kind: GatewayKind;
    readonly state: GatewayState;
    readonly desiredState: DesiredState;
    readonly stateChangedAt: string;
    readonly allowedTenants: readonly string[] | null;
  };
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type ChainWriteResult =
  { readonly kind: 'ok'; readonly chain: ChainRecord } | { readonly kind: 'not-found' };

/** null: the gateway has no chain. */
export function getChain(db: Database, gatewayId: string): Promise<ChainRecord | null> {
  return db.call('get_chain', { gatewayId });
}

/** By gateway. */
export function listChains(db: Database): Promise<ChainRecord[]> {
  return db.call('list_chains', {});
}

/** Makes the chain of a gateway, or replaces what was said of it; the watch heeds it at its next look. */
export function putChain(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly settings: ChainSettings;
    readonly actor: string;
  },
): Promise<ChainWriteResult | { readonly kind: 'removed' }> {
  return db.call('put_chain', options);
}

/** Its watch ends. Origins that Dash has put into the gateway's configuration stay there: they are answered. */
export function removeChain(
  db: Database,
  options: { readonly gatewayId: string; readonly actor: string },
): Promise<
  | { readonly kind: 'ok'; readonly placedOrigins: readonly string[] }
  | { readonly kind: 'not-found' }
> {
  return db.call('remove_chain', options);
}

/** `pause` null: it goes on. */
export function pauseChain(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly pause: ChainPause | null;
    readonly actor: string;
  },
): Promise<ChainWriteResult> {
  return db.call('pause_chain', options);
}

/**
 * Writes what a watch says from now on; an event tells the change. `changed`: made with settings of before;
 * `superseded`: by a host that does not hold the gateway any more.
 */
export function recordChain(
  db: Database,
  seen: {
    readonly gatewayId: string;
    readonly revision: number;
    /** Of the host that looked; null: no host did. */
    readonly ownerEpoch: number | null;
    /** null: nobody can look. */
    readonly verdict: ChainVerdict | null;
    readonly flapping: readonly LinkName[];
    /** ISO 8601, as the next one. */
    readonly at: string;
    readonly episodeSince: string | null;
    /** One sentence, for the event. */
    readonly diagnosis: string;
  },
): Promise<{ readonly kind: 'ok' | 'not-found' | 'changed' | 'superseded' }> {
  return db.call('record_chain', seen);
}

/** What is to be done about it from now on. */
export function putChainPlan(
  db: Database,
  options: { readonly gatewayId: string; readonly plan: readonly PlannedStep[] },
): Promise<{ readonly kind: 'ok' }> {
  return db.call('put_chain_plan', options);
}

/** Notes what is about to be put into the gateway's configuration: all of it that is Dash's. */
export function placeOrigins(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly ownerEpoch: number;
    readonly origins: readonly string[];
  },
): Promise<{ readonly kind: 'ok' | 'superseded' }> {
  return db.call('place_origins', options);
}

/** An event about an action that was taken. */
export function recordChainAction(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly actor: string;
    readonly action: TakenAction;
  },
): Promise<{ readonly kind: 'ok' }> {
  return db.call('record_chain_action', options);
}

/** What has happened to it, newest first: settings, pauses, verdicts. */
export function chainHistory(
  db: Database,
  options: { readonly gatewayId: string; readonly limit: number },
): Promise<EventRecord[]> {
  return db.call('chain_history', options);
}

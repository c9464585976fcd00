import { sql } from 'kysely';
import type { HealthState } from '../domain/gateway-health.ts';
import type { GatewayFailure, GatewayKind, GatewayState } from '../domain/gateway.ts';
import type { Database } from './database.ts';
import type { DesiredState, GatewayRecord } from './gateway-record.ts';

export interface NewGateway {
  readonly id: string;
  readonly kind: GatewayKind;
  readonly endpoint: string;
  readonly profile?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  readonly region?: string | null;
  readonly allowedTenants?: readonly string[] | null;
  readonly configuredLanes: number;
  /** Its share of the spend, relative to the others (R57); default 1. */
  readonly costWeight?: number;
  /** Encrypted by the caller. */
  readonly sealedToken?: Uint8Array;
  readonly actor: string;
}

export type RegisterResult =
  | { readonly kind: 'registered'; readonly gateway: GatewayRecord }
  /** The id is taken, perhaps by a gateway that was removed: ids are never reused. */
  | { readonly kind: 'exists'; readonly gateway: GatewayRecord };

export function registerGateway(db: Database, gateway: NewGateway): Promise<RegisterResult> {
  const { sealedToken, ...rest } = gateway;
  return db.call('register_gateway', {
    ...rest,
    sealedToken: sealedToken === undefined ? null : Buffer.from(sealedToken).toString('hex'),
  });
}

/** null: no such gateway. */
export function getGateway(db: Database, gatewayId: string): Promise<GatewayRecord | null> {
  return db.call('get_gateway', { gatewayId });
}

/** By id; removed ones only when asked for. */
export function listGateways(
  db: Database,
  options: { readonly includeRemoved?: boolean } = {},
): Promise<GatewayRecord[]> {
  return db.call('list_gateways', { includeRemoved: options.includeRemoved ?? false });
}

export type GatewayWriteResult =
  | { readonly kind: 'ok'; readonly changed: boolean }
  | { readonly kind: 'superseded-owner'; readonly ownerEpoch: number }
  | { readonly kind: 'not-found' };

/**
 * Writes the state of a gateway and why it is so; an event only when something changed. With an `ownerEpoch` it is
 * refused when that is not the owner's. `removed` is written by `removeGateway` only, and is never left.
 */
export function writeGatewayState(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly ownerEpoch?: number;
    readonly state: Exclude<GatewayState, 'removed'>;
    readonly reason: string | null;
    readonly hint: string | null;
    /** Set when, and only when, the state is `failed`. */
    readonly failure: GatewayFailure | null;
  },
): Promise<GatewayWriteResult> {
  return db.call('write_gateway_state', options);
}

/** What its owner has seen of a gateway; fields that are left out stay. Without an event. */
export function recordObservation(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly ownerEpoch?: number;
    readonly reportedLanes?: number | null;
    readonly foreignRuns?: number;
    readonly bootId?: string | null;
    readonly stateId?: string | null;
    readonly version?: string | null;
    readonly protocol?: number | null;
    readonly process?: Readonly<Record<string, unknown>> | null;
    readonly endpoint?: string;
    readonly health?: HealthState;
    /** Lanes that its health leaves; null: no limit. */
    readonly healthLanes?: number | null;
  },
): Promise<GatewayWriteResult> {
  return db.call('record_observation', options);
}

/** Writes what the operator wants. */
export function setDesiredState(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly desired: Exclude<DesiredState, 'removed'>;
    readonly actor: string;
    readonly reason?: string;
  },
): Promise<GatewayWriteResult> {
  return db.call('set_desired_state', options);
}

export type RemoveResult =
  | { readonly kind: 'removed' }
  | {
      readonly kind: 'refused';
      readonly openAttempts: number;
      readonly pinnedSessions: number;
      /** Tasks that may only run there: retries that are not idempotent (P27). */
      readonly pinnedTasks: number;
    }
  | { readonly kind: 'not-found' };

/**
 * Removes a gateway for good: its row stays, its id is never used again, its token is deleted. Refused while an
 * attempt is open there, a session lives there, or a waiting task may run only there.
 */
export function removeGateway(
  db: Database,
  options: { readonly gatewayId: string; readonly actor: string },
): Promise<RemoveResult> {
  return db.call('remove_gateway', options);
}

/** Remembers an unclean start, for the restart budget. */
export function recordStart(
  db: Database,
  options: { readonly gatewayId: string; readonly reason: string },
): Promise<{ kind: 'ok' }> {
  return db.call('record_start', options);
}

/** Unclean starts within the last `withinSeconds`: milliseconds since the epoch, oldest first. */
export function recentStarts(
  db: Database,
  options: { readonly gatewayId: string; readonly withinSeconds: number },
): Promise<readonly number[]> {
  return db.call('recent_starts', options);
}

/** The encrypted token for a person to see, and an event that says who saw it; null: none was given. */
export async function showToken(
  db: Database,
  options: { readonly gatewayId: string; readonly actor: string },
): Promise<Buffer | null> {
  const shown = await db.call<{ kind: 'none' } | { kind: 'sealed'; token: string }>(
    'show_token',
    options,
  );
  return shown.kind === 'none' ? null : Buffer.from(shown.token, 'base64');
}

/** Forgets the unclean starts: a person has said "recover". */
export function clearStarts(db: Database, gatewayId: string): Promise<{ kind: 'ok' }> {
  return db.call('clear_starts', { gatewayId });
}

/** The encrypted token; null: none was given. */
export async function readSealedToken(db: Database, gatewayId: string): Promise<Buffer | null> {
  const row = await db.kysely
    .selectFrom('gateway_credentials')
    .select('sealed_token')
    .where('gateway_id', '=', gatewayId)
    .executeTakeFirst();
  return row?.sealed_token ?? null;
}

export async function writeSealedToken(
  db: Database,
  options: { readonly gatewayId: string; readonly sealedToken: Uint8Array },
): Promise<void> {
  const sealed = Buffer.from(options.sealedToken);
  await db.kysely
    .insertInto('gateway_credentials')
    .values({ gateway_id: options.gatewayId, sealed_token: sealed })
    .onConflict((conflict) =>
      conflict.column('gateway_id').doUpdateSet({ sealed_token: sealed, updated_at: sql`now()` }),
    )
    .execute();
}

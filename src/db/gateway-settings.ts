import type { Database } from './database.ts';
import type { GatewayRecord } from './gateway-record.ts';

/** What an operator may change of a registered gateway; what is left out stays. */
export interface GatewaySettings {
  /** All of them: labels that are not named here are gone. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly capabilities?: readonly string[] | undefined;
  /** null: none. */
  readonly region?: string | null | undefined;
  /** null: every tenant. */
  readonly allowedTenants?: readonly string[] | null | undefined;
  readonly lanes?: number | undefined;
  /** Its share of the spend, relative to the others (R57). */
  readonly costWeight?: number | undefined;
}

export type UpdateGatewayResult =
  | { readonly kind: 'updated'; readonly gateway: GatewayRecord }
  | { readonly kind: 'removed' }
  | { readonly kind: 'not-found' };

/**
 * Changes the settings of a gateway. The next claim heeds them (P10); what runs there goes on. An event tells what
 * was and what is, when something changed.
 */
export function updateGateway(
  db: Database,
  options: {
    readonly gatewayId: string;
    readonly changes: GatewaySettings;
    readonly actor: string;
  },
): Promise<UpdateGatewayResult> {
  return db.call('update_gateway', options);
}

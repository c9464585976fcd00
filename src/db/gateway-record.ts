import type { GatewayFailure, GatewayKind, GatewayState } from '../domain/gateway.ts';

/** What an operator wants of a gateway. */
export type DesiredState = 'running' | 'drained' | 'cordoned' | 'stopped' | 'removed';

export interface GatewayRecord {
  readonly id: string;
  readonly kind: GatewayKind;
  readonly endpoint: string;
  /** Managed only: what its process is started from. */
  readonly profile: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly region: string | null;
  /** null: every tenant. */
  readonly allowedTenants: readonly string[] | null;
  readonly lanes: {
    readonly configured: number;
    /** The gateway's own limit; null: not seen yet. */
    readonly reported: number | null;
    readonly held: number;
    readonly foreign: number;
    readonly free: number;
  };
  /** Pools that it belongs to by its labels. */
  readonly pools: readonly string[];
  readonly state: GatewayState;
  readonly failure: GatewayFailure | null;
  readonly stateReason: string | null;
  readonly hint: string | null;
  readonly desiredState: DesiredState;
  readonly claimsOpen: boolean;
  readonly ownerHost: string | null;
  readonly ownerEpoch: number;
  readonly bootId: string | null;
  readonly stateId: string | null;
  readonly version: string | null;
  readonly protocol: number | null;
  /** The managed process: pid, start time, port; null: none known. */
  readonly process: Readonly<Record<string, unknown>> | null;
  readonly lastSeenAt: string | null;
  readonly stateChangedAt: string;
  readonly createdAt: string;
}

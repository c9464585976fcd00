import type { HealthState } from '../domain/gateway-health.ts';
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
    /** What its health leaves; null: no limit. */
    readonly health: number | null;
    /** min(configured, reported, health) − held − foreign, at least 0. */
    readonly free: number;
  };
  /** Its share of the spend, relative to the others (R57). */
  readonly costWeight: number;
  /** As its owner judges it; null: not observed yet. */
  readonly health: HealthState | null;
  /** Since when the verdict is what it is. */
  readonly healthSince: string;
  /** What Dash's own attempts there have shown lately. */
  readonly recent: {
    /** Attempts that ended by the gateway's doing; they fade, so this is no whole number. */
    readonly runs: number;
    /** The part of them that failed: 0 to 1. */
    readonly errorRate: number;
    /** Moving averages; null: none seen yet. */
    readonly acceptMs: number | null;
    readonly runMs: number | null;
    readonly costUsd: number | null;
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

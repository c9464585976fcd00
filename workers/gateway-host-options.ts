import type { HoldTimings, ManagedProcesses } from '../activities/hold-gateway/ports.ts';
import type { Database } from '../src/db/database.ts';
import type { AttemptPolicy } from '../src/domain/attempt-protocol-policy.ts';
import type { RegionWeights } from '../src/domain/region-weights.ts';
import type { Clock } from '../src/platform/clock.ts';
import type { Logger } from '../src/platform/logger.ts';
import type { RacePoints } from '../src/platform/race-points.ts';
import type { Metrics } from '../src/telemetry/metrics.ts';
import type { TemporalConnection } from '../src/temporal/connect.ts';

/** What a gateway host is made of. */
export interface GatewayHostOptions {
  readonly db: Database;
  readonly temporal: TemporalConnection;
  /** Belongs to the data directory, not to the process (P32). */
  readonly hostId: string;
  /** Most gateways that this host holds at a time. */
  readonly maxGateways: number;
  /** 32 bytes, base64: opens gateway tokens. */
  readonly secretKey: string;
  /** null: this host runs no managed gateways. */
  readonly managed: ManagedProcesses | null;
  readonly hold: { readonly heartbeatMs: number; readonly timeoutMs: number };
  /** How much it wants the gateways of each region; default: all the same. */
  readonly regionWeights?: RegionWeights;
  /** How load and health of each gateway are looked at; default: every five seconds. */
  readonly observe?: Pick<HoldTimings, 'observeEveryMs' | 'answerBoundMs' | 'startGraceMs'>;
  readonly run: { readonly heartbeatMs: number; readonly timeoutMs: number };
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Temporal has ended one of its workers for good: the process is to end. */
  readonly onFatal: (error: Error) => void;
  readonly policy?: AttemptPolicy;
  readonly race?: RacePoints;
}

import type { Database } from '../../src/db/database.ts';
import type { OpenAttempt } from '../../src/db/attempt-record.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { ReviewAttempt } from '../run-task/review-attempt.ts';

/** What a hold writes to a log; a pino logger fits. */
export interface HoldLog {
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
}

/** The polled task queues of one held gateway: runs, and short operations. */
export interface GatewayQueues {
  /** Stops polling; activities that run are told to detach. */
  close(): Promise<void>;
}

/** How a managed gateway's process came up, or why it did not. */
export type ProcessStart =
  | {
      readonly kind: 'running';
      readonly endpoint: string;
      /** pid, start time, port: what finds it again. */
      readonly process: Readonly<Record<string, unknown>>;
      /** False when it was already there. */
      readonly started: boolean;
    }
  /** The gateway refuses its configuration (exit 78): only a person can mend that. */
  | { readonly kind: 'configuration'; readonly words: string }
  /** Another process has the state directory: waiting for it, not a configuration error (P37). */
  | { readonly kind: 'contention'; readonly words: string }
  /** It ended, or was not ready in time. */
  | { readonly kind: 'not-ready'; readonly words: string };

/** The processes of the managed gateways of this host. */
export interface ManagedProcesses {
  /**
   * Finds the process of an earlier start by its record, or starts one; waits until it is ready. At the signal a
   * start under way is given up, its process ended within seconds, and the answer is `not-ready`.
   */
  ensure(gateway: GatewayRecord, token: string, signal: AbortSignal): Promise<ProcessStart>;
  /** True while the recorded process lives. */
  lives(gateway: GatewayRecord): Promise<boolean>;
  /**
   * Ends it in bounded time: suspend and hand-off over the connection when it is open, SIGTERM, SIGKILL at the bound.
   */
  stop(
    gateway: GatewayRecord,
    options: { readonly connection: GatewayConnection | null; readonly boundMs: number },
  ): Promise<void>;
}

export interface HoldTimings {
  /** Heartbeat time-out of a hold (default 10 s); the lease renews at about a third of it. */
  readonly holdTimeoutMs: number;
  readonly renewEveryMs: number;
  /** How often lanes, foreign runs and health are looked at. */
  readonly observeEveryMs: number;
  /** A gateway that needs longer for these small answers does not answer. */
  readonly answerBoundMs: number;
  /** How long after a boot a gateway is busy with itself, which is no illness. */
  readonly startGraceMs: number;
  /** How often indeterminate attempts are looked at again. */
  readonly reviewEveryMs: number;
}

export interface HoldDeps {
  readonly hostId: string;
  /** Most gateways at a time, over whichever queues they come. */
  readonly maxGateways: number;
  readonly db: Database;
  readonly clock: Clock;
  readonly log: HoldLog;
  readonly timings: HoldTimings;
  /** null: this host runs no managed gateways. */
  readonly managed: ManagedProcesses | null;
  readonly connect: (gateway: { id: string; endpoint: string }, token: string) => GatewayConnection;
  /** The gateway's token, unsealed. Throws with a sentence when there is none or the key does not fit. */
  readonly readToken: (gatewayId: string) => Promise<string>;
  readonly heartbeat: (
    taskToken: Uint8Array,
    deadlineMs: number,
  ) => Promise<'acknowledged' | 'gone'>;
  readonly openQueues: (gatewayId: string) => Promise<GatewayQueues>;
  readonly reviewAttempt: ReviewAttempt['reviewAttempt'];
  /** Signals an attempt's workflow that its run showed up after all. */
  readonly redeliver: (attempt: OpenAttempt) => Promise<void>;
  /** Called when lanes may have become free: time to claim. */
  readonly onClaimable: () => void;
  /** Called when the gateway can be spoken to: what is planned there is delivered again (P17). */
  readonly onReady: (gatewayId: string) => void;
}

import type { Authenticator } from '../src/auth/authenticator.ts';
import type { Database } from '../src/db/database.ts';
import type { Clock } from '../src/platform/clock.ts';
import type { Logger } from '../src/platform/logger.ts';
import type { Metrics } from '../src/telemetry/metrics.ts';
import type { WorkflowMessages } from '../src/temporal/messages.ts';
import type { EventHub } from './events/event-hub.ts';

/** Bounds of the API's own behaviour; production uses `DEFAULT_API_BOUNDS`. */
export interface ApiBounds {
  /** A request that takes longer is answered 503: PostgreSQL hangs. */
  readonly requestTimeoutMs: number;
  /** Comment on an event stream without events. */
  readonly heartbeatMs: number;
  /** How long the event stream waits for a NOTIFY before it looks by itself. */
  readonly eventPollMs: number;
  /** A client that takes nothing from its event stream for so long is cut off. */
  readonly slowConsumerMs: number;
  readonly maxStreams: number;
  /** How often an open event stream asks whether its key still holds. */
  readonly recheckKeyMs: number;
}

export const DEFAULT_API_BOUNDS: ApiBounds = {
  requestTimeoutMs: 10_000,
  heartbeatMs: 15_000,
  eventPollMs: 1_000,
  slowConsumerMs: 20_000,
  maxStreams: 100,
  recheckKeyMs: 1_500,
};

/** What the handlers work with. */
export interface ApiDeps {
  readonly db: Database;
  readonly messages: WorkflowMessages;
  readonly authenticator: Authenticator;
  readonly events: EventHub;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** 32 bytes, base64: seals gateway tokens. */
  readonly secretKey: string;
  readonly version: string;
  readonly bounds: ApiBounds;
  /** Aborts when the API ends: streams say so and stop. */
  readonly ending: AbortSignal;
}

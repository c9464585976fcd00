import { claimTasks, type Claim, type OfferedGateway } from '../src/db/claim.ts';
import type { Database } from '../src/db/database.ts';
import type { Clock } from '../src/platform/clock.ts';
import { createWakeup } from '../src/platform/wakeup.ts';

export interface ClaimerOptions {
  readonly db: Database;
  readonly hostId: string;
  readonly clock: Clock;
  readonly log: { warn(detail: object, message: string): void };
  /** The gateways that this host may fill now, scored by the router; empty: nothing to claim for. */
  readonly offers: () => readonly OfferedGateway[];
  /** Whether Temporal has so much of what was claimed before it that more would only run ahead; a poke follows. */
  readonly isBehind: () => boolean;
  readonly onClaim: (claim: Claim) => void;
  /** Seconds of one claim transaction, for the metrics. */
  readonly observe: (seconds: number) => void;
}

export interface Claimer {
  /** A lane became free, work arrived, a gateway opened: claim now. */
  poke(): void;
  close(): Promise<void>;
}

/** Claims at every poke, and this often without one: notifications are hints. */
const AT_LEAST_EVERY_MS = 1_000;
/** At most so many per transaction: claims are serialised (P9), and what one has taken starts when it is over. */
const BATCH = 16;

/** Keeps the free lanes of this host filled: claims for all its gateways in one transaction, best work first. */
export function startClaimer(options: ClaimerOptions): Claimer {
  const { clock, log } = options;
  const news = createWakeup(clock);
  const stopping = new AbortController();

  async function claimOnce(): Promise<boolean> {
    if (options.isBehind()) return false;
    const gateways = options.offers();
    if (gateways.length === 0) return false;
    const startedAt = clock.monotonic();
    const { claims } = await claimTasks(options.db, {
      hostId: options.hostId,
      gateways,
      max: BATCH,
    });
    options.observe((clock.monotonic() - startedAt) / 1_000);
    for (const claim of claims) options.onClaim(claim);
    return claims.length === BATCH;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let hasMore = false;
      try {
        hasMore = await claimOnce();
      } catch (error) {
        log.warn({ err: error }, 'nothing could be claimed; trying again');
      }
      if (!hasMore) await news.pause(AT_LEAST_EVERY_MS, stopping.signal);
    }
  }

  const running = run();
  return {
    poke: () => news.nudge(),
    async close() {
      stopping.abort();
      await running;
    },
  };
}

import { Context } from '@temporalio/activity';
import { getChain, recordChain, type ChainRecord } from '../../src/db/chain-store.ts';
import type { Database } from '../../src/db/database.ts';
import { LONGEST_HOLD_MS } from '../../src/dashboard/hold-socket.ts';
import { newWatch, watch, type Watched } from '../../src/domain/dashboard-chain/watch.ts';
import { diagnosisOf } from '../../src/domain/dashboard-chain/words.ts';
import type { ChainWatch, WatchEnd } from '../../src/domain/messages.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Holds } from '../hold-gateway/hold-gateway.ts';
import { openConnection } from './open-connection.ts';
import { lookAt, type LookOptions } from './look.ts';

export interface WatchDeps {
  readonly db: Database;
  readonly clock: Clock;
  /** Of each probe. */
  readonly probeTimeoutMs: number;
  readonly holds: Pick<Holds, 'find'>;
}

/** A hold takes as long as it holds, so it is not part of each look. */
const HOLD_EVERY_LOOKS = 10;
/** While looks disagree with what is said the next one does not wait long. */
const IN_DOUBT_MS = 2_000;
const BEAT_MS = 30_000;

/**
 * Looks at a chain again and again, and returns when something is to be said of it that was not said before: then the
 * row says it already. What it remembers travels in its heartbeats, so that the next owner of the gateway goes on
 * where this one was. Settings and pauses are read anew for each look.
 */
export async function watchChain(
  deps: WatchDeps,
  input: { readonly gatewayId: string; readonly from: ChainWatch | null },
): Promise<WatchEnd> {
  const context = Context.current();
  let state = (context.info.heartbeatDetails as ChainWatch | null | undefined) ?? input.from;
  for (let looks = 0; ; looks += 1) {
    context.heartbeat(state);
    const record = await getChain(deps.db, input.gatewayId);
    if (record === null) return { kind: 'removed' };
    const before = state?.revision === record.revision ? state : null;
    const seen = await lookAt(
      record,
      lookOptions(deps, { before, looks, gatewayId: input.gatewayId }),
    );
    const watched = watch(before?.memory ?? newWatch(), seen.verdict, seen.atMs);
    state = {
      revision: record.revision,
      memory: watched.memory,
      cutAfterMs: seen.cutAfterMs,
    };
    if (watched.changed || record.verdict === null) {
      const ownerEpoch = deps.holds.find(input.gatewayId)?.lease.ownerEpoch() ?? -1;
      const written = await tell(deps.db, record, { watched, atMs: seen.atMs, ownerEpoch });
      if (written.kind === 'superseded') throw new Error('another host holds the gateway now');
      if (written.kind === 'ok') return { kind: 'changed', watch: state, verdict: watched.verdict };
    }
    const isInDoubt = Object.values(watched.memory.links).some(({ doubt }) => doubt !== null);
    const pauseMs = record.settings.intervalSeconds * 1_000;
    await restBeating(deps.clock, isInDoubt ? Math.min(IN_DOUBT_MS, pauseMs) : pauseMs, state);
  }
}

/** A pause may be longer than the time after which a silent watch counts as lost. */
async function restBeating(clock: Clock, pauseMs: number, state: ChainWatch): Promise<void> {
  const { cancellationSignal, cancelled, heartbeat } = Context.current();
  const endsAt = clock.monotonic() + pauseMs;
  for (let left = pauseMs; left > 0; left = endsAt - clock.monotonic()) {
    heartbeat(state);
    await clock.sleep(Math.min(left, BEAT_MS), cancellationSignal);
    if (cancellationSignal.aborted) await cancelled;
  }
}

function lookOptions(
  { clock, probeTimeoutMs, holds }: WatchDeps,
  {
    before,
    looks,
    gatewayId,
  }: { readonly before: ChainWatch | null; readonly looks: number; readonly gatewayId: string },
): LookOptions {
  const known = before?.cutAfterMs ?? null;
  // A cut that was seen is looked for each time, so that its end is seen soon.
  const idle =
    known !== null || looks % HOLD_EVERY_LOOKS === 0 ? { ms: LONGEST_HOLD_MS } : { known };
  const connection = openConnection(holds, gatewayId);
  return { clock, timeoutMs: probeTimeoutMs, connection, idle };
}

function tell(
  db: Database,
  { gatewayId, revision }: ChainRecord,
  {
    watched,
    atMs,
    ownerEpoch,
  }: { readonly watched: Watched; readonly atMs: number; readonly ownerEpoch: number },
): ReturnType<typeof recordChain> {
  const { verdict, flapping, memory } = watched;
  return recordChain(db, {
    gatewayId,
    revision,
    ownerEpoch,
    verdict,
    flapping,
    at: new Date(atMs).toISOString(),
    episodeSince: memory.episode === null ? null : new Date(memory.episode.sinceMs).toISOString(),
    diagnosis: diagnosisOf(verdict),
  });
}

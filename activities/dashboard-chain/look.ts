import type { ChainRecord } from '../../src/db/chain-store.ts';
import { observeChain } from '../../src/dashboard/observe-chain.ts';
import { diagnose } from '../../src/domain/dashboard-chain/diagnose.ts';
import type { ChainVerdict } from '../../src/domain/dashboard-chain/link.ts';
import { chainOf } from '../../src/domain/dashboard-chain/settings.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { circumstancesOf } from './circumstances.ts';

export interface LookOptions {
  readonly clock: Clock;
  /** Of each probe. */
  readonly timeoutMs: number;
  /** To ask the gateway for its configuration; null: there is none now. */
  readonly connection: GatewayConnection | null;
  /** `ms`: holds an idle socket from outside for so long; `known`: what an earlier look has seen of one. */
  readonly idle: { readonly ms: number } | { readonly known: number | null };
}

export interface SeenChain {
  readonly atMs: number;
  readonly verdict: ChainVerdict;
  /** After which time an idle socket was cut; null: it was held, or nothing lies outside. */
  readonly cutAfterMs: number | null;
}

/** One look at a chain from the machine of its host: probes alone, nothing is touched. */
export async function lookAt(record: ChainRecord, options: LookOptions): Promise<SeenChain> {
  const { clock, timeoutMs, idle, connection } = options;
  const chain = chainOf(record.settings, record.endpoint);
  const seen = await observeChain({
    chain,
    forwards: null,
    configuredOrigins: async () => (await connection?.allowedOrigins())?.origins ?? null,
    pinnedFingerprint: record.settings.pinnedFingerprint,
    timeoutMs,
    holdMs: 'ms' in idle ? idle.ms : 0,
    clock,
  });
  const cutAfterMs = 'ms' in idle ? (seen.external?.cutAfterMs ?? null) : idle.known;
  const external = seen.external === null ? null : { ...seen.external, cutAfterMs };
  const verdict = diagnose(chain, { ...seen, external }, circumstancesOf(record, seen.atMs));
  return { atMs: seen.atMs, verdict, cutAfterMs };
}

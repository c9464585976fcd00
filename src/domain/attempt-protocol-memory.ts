import { assertNever } from './assert-never.ts';
import { readEvidence } from './attempt-protocol-evidence.ts';
import type { Amounts } from './budget.ts';
import type { AttemptFacts, Memory, Observation, Refusal } from './attempt-protocol-types.ts';
import type { LookSeen } from './look.ts';

/**
 * How an owner's memory follows from what it sees and does. Nothing here decides; `attempt-protocol.ts` reads it.
 */

const NOTHING_LASTS = {
  lookedAtMs: null,
  unreachableSinceMs: null,
  refusedSinceMs: null,
  foreignSinceMs: null,
  still: null,
  aborting: null,
  endingSinceMs: null,
} as const;

/** The memory of an owner that has just read the attempt's row for the first time. */
export function freshMemory(facts: AttemptFacts): Memory {
  return {
    ...NOTHING_LASTS,
    counted: { usd: 0, tokens: 0 },
    committed: null,
    provablyUnsent: facts.state === 'planned',
    refusal: null,
  };
}

/**
 * A look begins. An owner that was frozen, or waited for its database, did not see what happened meanwhile: nothing
 * that it saw before has lasted until now for all it knows.
 */
export function rememberToLook(memory: Memory, nowMs: number, inattentionMs: number): Memory {
  const attentive = memory.lookedAtMs === null || nowMs - memory.lookedAtMs <= inattentionMs;
  return { ...memory, ...(attentive ? {} : NOTHING_LASTS), lookedAtMs: nowMs };
}

/** Takes in one observation: what began, what goes on, what is over. What a look shows counts from its beginning. */
export function remember(
  memory: Memory,
  facts: AttemptFacts,
  seen: Observation,
  atMs: number,
): Memory {
  const nowMs = seen.kind === 'unseen' ? atMs : (memory.lookedAtMs ?? atMs);
  const endingSinceMs = facts.cancelRequested === null ? null : (memory.endingSinceMs ?? nowMs);
  switch (seen.kind) {
    case 'unseen':
    case 'acknowledged':
      return { ...memory, endingSinceMs };
    case 'unreachable':
      return {
        ...memory,
        endingSinceMs,
        unreachableSinceMs: memory.unreachableSinceMs ?? nowMs,
        refusedSinceMs: null,
        still: null,
        refusal: unclearOnly(memory),
      };
    case 'refused':
      return {
        ...memory,
        endingSinceMs,
        unreachableSinceMs: null,
        refusedSinceMs: memory.refusedSinceMs ?? nowMs,
        still: null,
        refusal: unclearOnly(memory),
      };
    case 'seen':
      return { ...rememberLook(memory, facts, seen, nowMs), endingSinceMs };
    default:
      return assertNever(seen);
  }
}

/** A gateway that was away may take what it did not take before; how often it left no trace goes on counting. */
function unclearOnly({ refusal }: Memory): Memory['refusal'] {
  return refusal?.kind === 'unclear' ? refusal : null;
}

function rememberLook(memory: Memory, facts: AttemptFacts, look: LookSeen, nowMs: number): Memory {
  const evidence = readEvidence(facts, look);
  const what = `${evidence.kind} in ${look.gateway.bootId}`;
  const motionless = evidence.kind === 'unfinished' || evidence.kind === 'absent';
  return {
    ...memory,
    unreachableSinceMs: null,
    refusedSinceMs: null,
    foreignSinceMs: look.foreignRunIds.length > 0 ? (memory.foreignSinceMs ?? nowMs) : null,
    still: motionless ? sameSince(memory.still, what, nowMs) : null,
    // Another run executes now than the one that was being ended: its own bound begins.
    aborting:
      evidence.kind === 'executing' && memory.aborting?.what === evidence.executing.join(' ')
        ? memory.aborting
        : null,
  };
}

/** The rows know this much of what the attempt has spent. */
export function rememberCounted(memory: Memory, counted: Amounts): Memory {
  return { ...memory, counted };
}

/** The row says `sending`: exactly this send may follow. */
export function rememberCommit(memory: Memory, runId: string, bootId: string): Memory {
  return { ...memory, committed: { runId, bootId } };
}

/** A send was answered with "accepted" or "in flight". */
export function rememberSent(memory: Memory): Memory {
  return { ...memory, committed: null, provablyUnsent: false, refusal: null };
}

/** The commit or the send did not lead to a run; `unclear` alone may have started one all the same. */
export function rememberRefusal(memory: Memory, refusal: Refusal, nowMs: number): Memory {
  const former = memory.refusal?.kind === refusal.kind ? memory.refusal : null;
  return {
    ...memory,
    committed: null,
    provablyUnsent: memory.provablyUnsent && refusal.kind !== 'unclear',
    refusal: {
      ...refusal,
      times: (former?.times ?? 0) + 1,
      sinceMs: former?.sinceMs ?? nowMs,
      atMs: nowMs,
    },
  };
}

/** The committed send did not leave this host (other boot, no connection, no permit): look again. */
export function rememberUnsent(memory: Memory): Memory {
  return { ...memory, committed: null };
}

export function rememberAbort(memory: Memory, runIds: readonly string[], nowMs: number): Memory {
  return { ...memory, aborting: sameSince(memory.aborting, runIds.join(' '), nowMs) };
}

function sameSince(
  former: { readonly what: string; readonly sinceMs: number } | null,
  what: string,
  nowMs: number,
): { readonly what: string; readonly sinceMs: number } {
  return former?.what === what ? former : { what, sinceMs: nowMs };
}

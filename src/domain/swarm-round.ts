import type { SwarmEnd, SwarmNodeState, SwarmState } from './swarm-plan.ts';

/** What an operator asks of a running swarm; each is recorded in its row before it is answered. */
export type SwarmCommand =
  | { readonly kind: 'pause' | 'resume' | 'cancel'; readonly actor: string }
  | { readonly kind: 'scale'; readonly actor: string; readonly maxParallel: number };

/** The answer to a swarm's update. */
export type SwarmCommandResult =
  | { readonly kind: 'recorded'; readonly state: SwarmState; readonly maxParallel: number }
  /** It had ended before: what stands. */
  | { readonly kind: 'ended'; readonly state: SwarmState };

/** How far a swarm is, in nodes. */
export type SwarmProgress = Readonly<Record<SwarmNodeState, number>>;

export interface SwarmRoundInput {
  readonly swarmId: string;
  /** How long to wait before looking, so that news of a burst are read together. */
  readonly waitMs: number;
}

/** What one round of a swarm leaves behind. */
export type SwarmRound =
  | {
      readonly kind: 'open';
      readonly state: 'running' | 'paused';
      readonly maxParallel: number;
      readonly cancelRequested: boolean;
      readonly progress: SwarmProgress;
      /** Come again after this even without news; null: only news can change anything. */
      readonly againAfterMs: number | null;
    }
  | { readonly kind: 'ended'; readonly state: SwarmEnd; readonly reason: string | null };

/** Where a swarm stands, in a sentence for people. */
export function describeRound(round: SwarmRound): string {
  if (round.kind === 'ended') {
    return `Ended: **${round.state}**${round.reason === null ? '' : ` (${round.reason})`}.`;
  }
  const { completed, failed, skipped, admitted, waiting } = round.progress;
  const total = completed + failed + skipped + admitted + waiting;
  const bad = failed + skipped === 0 ? '' : `, ${failed} failed, ${skipped} skipped`;
  const mode = round.cancelRequested
    ? 'Being cancelled'
    : round.state === 'paused'
      ? 'Paused'
      : 'Runs';
  return (
    `${mode}: **${completed} of ${total}** done${bad}; ${admitted} open ` +
    `(at most ${round.maxParallel}), ${waiting} to come.`
  );
}

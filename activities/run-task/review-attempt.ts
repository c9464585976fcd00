import { decide } from '../../src/domain/attempt-protocol.ts';
import { lookAgain, readSubject, situationOf } from './look-once.ts';
import type { RunDeps } from './ports.ts';

/**
 * - `appeared`: its run, or what it was to end with, shows after all: deliver the attempt again (`dispatched`), and
 *   `runTask` goes on with it; no person is needed.
 * - `lane-freed`: nothing of it executes, its lane is free; a person still decides.
 * - `unchanged`: nothing new, or not an indeterminate attempt of a gateway held here.
 */
export type Review = { readonly kind: 'appeared' | 'lane-freed' | 'unchanged' };

export interface ReviewAttempt {
  reviewAttempt(input: { readonly attemptId: string }): Promise<Review>;
}

/**
 * One look at an attempt that waits for a person. Whoever holds its gateway calls this at each connect and each
 * minute, for each indeterminate attempt there. Sends nothing.
 */
export function createReviewAttempt(deps: RunDeps): ReviewAttempt {
  return {
    async reviewAttempt({ attemptId }) {
      const subject = await readSubject(deps, attemptId);
      if (subject?.row.state !== 'indeterminate') return { kind: 'unchanged' };
      const ownerEpoch = subject.gateway.ownerEpoch();
      let situation = situationOf(deps, subject.row);
      let action = decide(situation);
      if (action.kind === 'look') {
        situation = await lookAgain(deps, subject, situation, action.runIds);
        action = decide(situation);
      }
      if (action.kind === 'reappear') return { kind: 'appeared' };
      if (action.kind !== 'free-lane') return { kind: 'unchanged' };
      const { indeterminateAt } = subject.row;
      const freed = await deps.rows.freeLane({ attemptId, ownerEpoch, indeterminateAt });
      return { kind: freed.kind === 'ok' ? 'lane-freed' : 'unchanged' };
    },
  };
}

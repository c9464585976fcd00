import { assertNever } from '../../src/domain/assert-never.ts';
import { decideAbort } from '../../src/domain/attempt-protocol-abort.ts';
import { rememberAbort } from '../../src/domain/attempt-protocol-memory.ts';
import type { Situation } from '../../src/domain/attempt-protocol-situation.ts';
import type { AbortResult } from '../../src/domain/run-result.ts';
import { GatewayCallError } from '../../src/gateway/gateway-call-error.ts';
import { NotPermitted } from '../hold-gateway/lease.ts';
import { lookAgain, readSubject, situationOf, type Subject } from './look-once.ts';
import type { RunDeps } from './ports.ts';
import type { RunRegistry } from './run-registry.ts';

/** What `taskWorkflow` schedules on `gateway.<id>.control`. */
export interface AbortActivities {
  abortAttempt(input: { readonly attemptId: string }): Promise<AbortResult>;
}

/**
 * `abortAttempt` ends whatever may still execute of an attempt and confirms it by looking (P28, P29). It changes no
 * row: a living run of the attempt, nudged here, or the workflow's decision does. Bounded; unconfirmed is an answer.
 */
export function createAbortAttempt(
  deps: RunDeps & { readonly abortActivityMs: number },
  registry: RunRegistry,
): AbortActivities {
  return {
    async abortAttempt({ attemptId }) {
      registry.nudge(attemptId);
      const subject = await readSubject(deps, attemptId);
      if (subject === null)
        return unconfirmed('this host does not hold the gateway of the attempt');
      const result = await abort(deps, subject);
      registry.nudge(attemptId);
      return result;
    },
  };
}

async function abort(
  deps: RunDeps & { readonly abortActivityMs: number },
  subject: Subject,
): Promise<AbortResult> {
  const { clock } = deps;
  const giveUpAtMs = clock.monotonic() + deps.abortActivityMs;
  let situation = situationOf(deps, subject.row);
  while (clock.monotonic() < giveUpAtMs) {
    const step = decideAbort(situation);
    switch (step.kind) {
      case 'confirmed':
        return { kind: 'confirmed' };
      case 'unasked':
        return unconfirmed('nobody asked to end this attempt');
      case 'look': {
        situation = await lookAgain(deps, subject, situation, step.runIds);
        break;
      }
      case 'wait':
        await clock.sleep(Math.min(step.forMs, giveUpAtMs - clock.monotonic()));
        situation = { ...situation, seen: { kind: 'unseen' } };
        break;
      case 'abort': {
        const refused = await abortRuns(deps, subject, step.runIds);
        if (refused !== null) return refused;
        await clock.sleep(deps.policy.abortPollMs);
        situation = afterAbort(situation, step.runIds, clock.monotonic());
        break;
      }
      default:
        return assertNever(step);
    }
  }
  return unconfirmed(
    `the gateway did not show the end of it in time; last seen: ${lastSeen(situation)}`,
  );
}

function afterAbort(situation: Situation, runIds: readonly string[], nowMs: number): Situation {
  const memory = rememberAbort(situation.memory, runIds, nowMs);
  return { ...situation, memory, seen: { kind: 'unseen' }, nowMs };
}

/** Null: asked, as far as can be known; the next look tells. */
async function abortRuns(
  deps: RunDeps,
  { gateway, sessionKey, row }: Subject,
  runIds: readonly string[],
): Promise<AbortResult | null> {
  for (const runId of runIds) {
    try {
      await gateway.connection.abortRun({ sessionKey, runId, permit: gateway.permit });
    } catch (error) {
      if (error instanceof NotPermitted) return unconfirmed(error.message);
      if (!(error instanceof GatewayCallError)) throw error;
      deps.log.info(
        { attemptId: row.attemptId, runId, error: error.message },
        'an abort was not answered',
      );
    }
  }
  return null;
}

function unconfirmed(message: string): AbortResult {
  return { kind: 'unconfirmed', message };
}

function lastSeen({ memory, facts }: Situation): string {
  if (memory.aborting !== null) return `run ${memory.aborting.what} still executing`;
  if (memory.unreachableSinceMs !== null) return 'out of reach';
  if (memory.refusedSinceMs !== null) return 'refusing every look';
  return `run ${facts.runIds.at(-1) ?? ''} begun, neither finished nor executing`;
}

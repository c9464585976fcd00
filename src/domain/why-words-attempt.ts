import type { IndeterminateReason } from './attempt.ts';
import { forSpan, inSpan, spanWords } from './span-words.ts';
import type { AttemptCode, WordsOf } from './why-reasons.ts';

/** What becomes of a task that is under way, or how it ended, in words. */
export const ATTEMPT_WORDS: WordsOf<AttemptCode> = {
  'not-delivered': ({ facts, since }) => ({
    sentence: `It was given a lane of ${facts.gatewayId}${since === null ? '' : ` ${spanWords(since.agoMs)} ago`}; Temporal has not confirmed the start of its workflow yet.`,
    action: 'It goes back into the queue by itself when Temporal does not answer within 5 s.',
  }),
  'not-taken-up': ({ facts, since }) => ({
    sentence: `Its workflow was started${since === null ? '' : ` ${spanWords(since.agoMs)} ago`}, but ${facts.host ?? 'no host'} has not begun the run on ${facts.gatewayId}.`,
    action: `It goes back into the queue by itself after 30 s; if that repeats, look at the log of ${facts.host ?? 'the gateway host'} and at the control worker.`,
  }),
  sending: ({ facts, since }) => ({
    sentence: `It has been on its way to ${facts.gatewayId}${forSpan(since)}; the gateway has not acknowledged it yet.`,
    action: null,
  }),
  running: ({ facts, since, until }) => ({
    sentence:
      `It has been running on ${facts.gatewayId}${forSpan(since)} as ${facts.runId ?? 'a run'}` +
      `${until === null ? '' : ` and has time until ${until.at} (ends ${inSpan(until)})`}.`,
    action: null,
  }),
  aborting: ({ facts, since }) => ({
    sentence: `It is being stopped (${facts.reason})${forSpan(since)}: its run on ${facts.gatewayId} is aborted, and ${facts.gatewayId} has not confirmed that yet.`,
    action: 'An abort that stays unconfirmed for 2 min becomes a decision for a person.',
  }),
  concluding: ({ facts, since }) => ({
    sentence: `Its attempt ${facts.attempt} on ${facts.gatewayId} ended ${facts.outcome ?? ''}${since === null ? '' : ` ${spanWords(since.agoMs)} ago`}; its workflow decides what comes next.`,
    action: 'If it stays so, the control worker or Temporal is not there: look at /health/ready.',
  }),
  'gateway-in-trouble': ({ facts }) => ({
    sentence: `Its gateway ${facts.id} ${facts.why}: what becomes of the run is seen when it is back.`,
    action: facts.hint ?? `dashctl why ${facts.id}`,
  }),
  'decision-needed': ({ facts, since }) => ({
    sentence: `Nobody but a person can say how attempt ${facts.attempt} on ${facts.gatewayId} ended: ${UNKNOWN_WORDS[facts.reason as IndeterminateReason] ?? 'its outcome is unknown'}. It has waited for a decision${forSpan(since)}.`,
    action: `Look at the evidence, then: dashctl task decide ${facts.taskId} accept|retry|discard`,
  }),
  'decision-being-applied': ({ facts, since }) => ({
    sentence: `${facts.actor ?? 'A person'} decided to ${facts.decision}${since === null ? '' : ` ${spanWords(since.agoMs)} ago`}; its workflow carries that out.`,
    action: null,
  }),
  ended: ({ facts, since }) => ({
    sentence:
      `It ended as ${facts.state}${since === null ? '' : ` ${spanWords(since.agoMs)} ago`} after ${facts.attempts === 1 ? '1 attempt' : `${facts.attempts} attempts`}` +
      `${facts.message === null ? '' : `: ${facts.message}`}${facts.message?.endsWith('.') === true ? '' : '.'}`,
    action: endAction(facts.deadLetter, facts.replayTaskId),
  }),
};

const UNKNOWN_WORDS: Readonly<Record<IndeterminateReason, string>> = {
  vanished: 'the gateway shows no trace of it any more',
  'state-replaced': 'another state directory answers there now',
  'no-recovery': 'its run was interrupted and the gateway did not resume it',
  'session-busy': "another's run kept its session busy for too long",
  'abort-unconfirmed': 'the gateway did not confirm that its run was stopped',
  'workflow-closed': 'its workflow had ended before',
  'gateway-gone': 'the gateway did not come back',
  unexpected: 'looking at it failed again and again',
};

function endAction(deadLetter: string | null, replayTaskId: string | null): string | null {
  if (deadLetter === 'open')
    return 'dashctl task replay makes a new task of it; dashctl task discard closes it.';
  return replayTaskId === null ? null : `It was replayed as ${replayTaskId}.`;
}

import { budgetWords, type Budget } from './budget.ts';
import { forSpan, howMany, inSpan, listWords } from './span-words.ts';
import type { WaitCode, WhyFactsByCode, WordsOf } from './why-reasons.ts';

/** Why a task may not be claimed now, in words. */
export const WAIT_WORDS: WordsOf<WaitCode> = {
  'session-busy': ({ facts, since }) => ({
    sentence:
      `It waits behind ${facts.taskId} of its session ${facts.session}, which is ${facts.taskState}${forSpan(since)}` +
      (facts.ahead > 1 ? `; ${aheadWords(facts.ahead)} of the session before it.` : '.'),
    action: `A session's tasks run one after the other. dashctl why ${facts.taskId}`,
  }),
  'session-without-head': ({ facts }) => ({
    sentence: `It waits in its session ${facts.session} behind nobody: reconcile makes it the first within two minutes.`,
    action: 'If it stays so, look at dashctl reconcile list.',
  }),
  scheduled: ({ until }) => ({
    sentence: `It is scheduled: it may start ${inSpan(until)}${until === null ? '' : `, at ${until.at}`}.`,
    action: null,
  }),
  'backing-off': ({ facts, until }) => ({
    sentence:
      `Attempt ${facts.attempt} of ${facts.maxAttempts} failed on ${facts.gatewayId ?? 'its gateway'}` +
      `${facts.failureClass === null ? '' : ` (${facts.failureClass})`}: ${facts.message ?? 'no reason was given'}. ` +
      `The next one may start ${inSpan(until)}.`,
    action: 'It is repeated by itself; cancel it when that cannot help: dashctl task cancel',
  }),
  'swarm-paused': ({ facts }) => ({
    sentence: `The swarm ${facts.name} (${facts.swarmId}) is paused: nothing of it is claimed, what runs goes on.`,
    action: `dashctl swarm resume ${facts.swarmId}`,
  }),
  'approval-needed': ({ facts, since, until }) => ({
    sentence:
      `It waits for the approval of ${facts.approvers === null ? 'a person' : listWords(facts.approvers)}${forSpan(since)}` +
      `${facts.prompt === null ? '' : ` (${facts.prompt})`}${until === null ? '.' : `; that ends ${inSpan(until)}.`}`,
    action: `dashctl approval approve ${facts.approvalId}, or reject`,
  }),
  held: ({ facts, since }) => ({
    sentence: `It has been held${forSpan(since)}${facts.reason === null ? '' : ` (${facts.reason})`}.`,
    action: 'It goes on when what holds it is gone.',
  }),
  blocked: ({ facts, since }) => ({
    sentence: `It has been blocked${forSpan(since)}${facts.reason === null ? '' : `: ${facts.reason}`}.`,
    action: 'It goes on when what blocks it is gone.',
  }),
  'session-quarantined': ({ facts, since }) => ({
    sentence: `Its session ${facts.session} has been set apart${forSpan(since)}${facts.by === null ? '' : ` by ${facts.by}`}${facts.reason === null ? '' : `: ${facts.reason}`}.`,
    action: `See why its tasks died (dashctl dead-letter list --session ${facts.session}), then: dashctl session release ${facts.session}`,
  }),
  'budget-full': ({ facts, until }) => ({
    sentence:
      `It waits for room in the budget ${facts.budget}${figureWords(facts)}; ${wantWords(facts.wants)}.` +
      `${until === null ? '' : ` A new period begins ${inSpan(until)}.`}`,
    action:
      facts.budget === 'task'
        ? 'What it may spend itself is spent: cancel it, or raise what its pool allows (dashctl budget list).'
        : `It goes on when attempts of others end below what was set aside for them, or when the budget is raised: dashctl budget set ${facts.budget}`,
  }),
  'blocked-by-conflict': ({ facts }) => ({
    sentence:
      facts.attemptId === null
        ? 'A claim found it under way already; nothing of it is any more, so reconcile queues it again within two minutes.'
        : `A claim found it under way already: attempt ${facts.attemptId} is open on ${facts.gatewayId ?? 'a gateway'}.`,
    action:
      facts.attemptId === null
        ? null
        : 'It is queued again when that attempt has ended; dashctl reconcile list shows it.',
  }),
};

function aheadWords(ahead: number): string {
  return ahead > 1_000 ? 'more than 1 000 tasks' : `${howMany(ahead, 'task')}`;
}

function figureWords({ limit, spent, reserved }: WhyFactsByCode['budget-full']): string {
  if (limit === null || spent === null || reserved === null) return '';
  const ofLimited = ({ usd, tokens }: Budget): string =>
    budgetWords({
      usd: limit.usd === null ? null : usd,
      tokens: limit.tokens === null ? null : tokens,
    });
  return `, of whose ${budgetWords(limit)} ${ofLimited(spent)} are spent and ${ofLimited(reserved)} set aside`;
}

function wantWords(wants: Budget): string {
  return wants.usd === null && wants.tokens === null
    ? 'it has no limit of its own, so that anything left would do'
    : `it may spend ${budgetWords(wants)} itself`;
}

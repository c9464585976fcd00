import { forSpan, howMany, listWords, spanWords } from './span-words.ts';
import type { SwarmCode, WordsOf } from './why-reasons.ts';

/** Where a swarm or a session stands, in words. */
export const SWARM_WORDS: WordsOf<SwarmCode> = {
  'swarm-ended': ({ facts, since }) => ({
    sentence: `It ended as ${facts.state}${since === null ? '' : ` ${spanWords(since.agoMs)} ago`}${facts.reason === null ? '' : `: ${facts.reason}`}.`,
    action: null,
  }),
  'swarm-being-cancelled': ({ facts }) => ({
    sentence: `It is being cancelled: ${howMany(facts.openTasks, 'task')} of it ${facts.openTasks === 1 ? 'is' : 'are'} still open.`,
    action: null,
  }),
  'swarm-needs-decision': ({ facts }) => ({
    sentence: `A person must decide how ${howMany(facts.count, 'task')} of it ended: ${listWords(facts.nodes.map(({ nodeId }) => nodeId))}.`,
    action: `dashctl why ${facts.nodes[0]?.taskId ?? ''}`,
  }),
  'swarm-needs-approval': ({ facts, since }) => ({
    sentence: `A person must approve ${howMany(facts.count, 'step')} of it${forSpan(since)}: ${listWords(facts.nodes.map(({ nodeId }) => nodeId))}.`,
    action: `dashctl approval approve ${facts.nodes[0]?.approvalId ?? ''}, or reject`,
  }),
  'swarm-news-unread': ({ since }) => ({
    sentence: `Tasks of it have ended and its workflow has not read that${forSpan(since)}.`,
    action:
      'Reconcile signals it again within two minutes; if it stays so, look at the control worker and at Temporal.',
  }),
  'swarm-tasks-open': ({ facts }) => ({
    sentence: `${howMany(facts.count, 'task')} of it ${facts.count === 1 ? 'is' : 'are'} open (${stateWords(facts.byState)}): ${listWords(facts.nodes.map(({ nodeId, state }) => `${nodeId} ${state}`))}.`,
    action: facts.nodes[0] === undefined ? null : `dashctl why ${facts.nodes[0].taskId}`,
  }),
  'swarm-at-max-parallel': ({ facts }) => ({
    sentence: `${howMany(facts.ready, 'node')} could start, but ${facts.maxParallel} tasks of it are open and no more may be at once.`,
    action: 'dashctl swarm scale raises how many may be open at once.',
  }),
  'swarm-nodes-wait': ({ facts }) => ({
    sentence: `${howMany(facts.count, 'node waits', 'nodes wait')} for others: ${listWords(facts.nodes.map(({ nodeId, waitsFor }) => `${nodeId} for ${listWords(waitsFor)}`))}.`,
    action: null,
  }),
  'swarm-about-to-go-on': ({ facts, since }) => ({
    sentence: `Its workflow takes its next step${facts.ready === 0 ? '' : `: ${howMany(facts.ready, 'node')} can start`}; its last change is ${since === null ? 'now' : `${spanWords(since.agoMs)} old`}.`,
    action:
      (since?.agoMs ?? 0) > 60_000
        ? 'If it stays so, look at the control worker and at Temporal: dashctl doctor'
        : null,
  }),
  'session-idle': ({ facts }) => ({
    sentence: `No task of the session ${facts.session} is open${facts.gatewayId === null ? '' : `; it lives on gateway ${facts.gatewayId}`}.`,
    action: null,
  }),
  'session-tasks-wait': ({ facts }) => ({
    sentence: `${howMany(facts.waiting, 'task')} of the session ${facts.session} ${facts.waiting === 1 ? 'waits' : 'wait'} behind its first.`,
    action: null,
  }),
};

function stateWords(byState: Readonly<Record<string, number>>): string {
  return Object.entries(byState)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

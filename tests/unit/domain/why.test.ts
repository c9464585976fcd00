import { describe, expect, it } from '@jest/globals';
import { spanWords } from '../../../src/domain/span-words.ts';
import type { GatewayWhyFacts, TaskFacts, WaitingFacts } from '../../../src/domain/why-facts.ts';
import { explain, WHY_CODES } from '../../../src/domain/why.ts';
import { whyGateway } from '../../../src/domain/why-gateway.ts';
import { whyTask } from '../../../src/domain/why-task.ts';

const now = { at: '2026-01-01T00:00:00.000Z', agoMs: 90_000 };

function task(fields: Partial<TaskFacts['task']>): WaitingFacts {
  return {
    task: {
      id: 'task-1',
      tenant: 'default',
      pool: 'default',
      sessionKey: null,
      state: 'held',
      stateReason: null,
      priority: 3,
      effectivePriority: 3,
      swarmId: null,
      since: now,
      accepted: now,
      due: null,
      queueExpires: null,
      deadline: null,
      runLimitSeconds: 60,
      maxAttempts: 3,
      attemptsUsed: 0,
      cancelRequested: null,
      cancelRequestedAt: null,
      finished: null,
      failureMessage: null,
      ...fields,
    },
    swarm: null,
    approval: null,
    attempt: null,
    quarantine: null,
    budget: null,
    conflict: null,
    queue: null,
    deadLetter: null,
    inFront: null,
  };
}

const gateway: GatewayWhyFacts = {
  gateway: {
    id: 'g1',
    kind: 'adopted',
    state: 'removed',
    since: now,
    reason: null,
    hint: null,
    failure: null,
    desiredState: 'removed',
    claimsOpen: false,
    ownerHost: 'h1',
    lastSeen: now,
  },
  lanes: { capacity: 1, held: 0, foreign: 0, health: null },
  busyWith: [],
  pinnedTasks: 0,
  sessions: 0,
};

const FINE = { kind: 'ok' } as const;

describe('words for where something stands', () => {
  it('no code says that something is pending, and none is missing (architecture 3)', () => {
    expect(WHY_CODES.length).toBeGreaterThan(45);
    expect(WHY_CODES.filter((code) => code.includes('pending'))).toEqual([]);
  });

  it('what holds or blocks a task without a code of its own is named as the row names it', () => {
    const held = explain({ kind: 'task', id: 't' }, 'held', whyTask(task({}), FINE));
    expect(held.sentence).toBe('It has been held for 1 min.');
    const facts = task({ state: 'blocked', stateReason: 'something' });
    const blocked = explain({ kind: 'task', id: 't' }, 'blocked', whyTask(facts, FINE));
    expect(blocked).toMatchObject({
      sentence: 'It has been blocked for 1 min: something.',
      reasons: [{ code: 'blocked', since: now.at, until: null }],
    });
  });

  it('a gateway that was removed has nothing more to say', () => {
    const why = explain({ kind: 'gateway', id: 'g1' }, 'removed', whyGateway(gateway, FINE));
    expect(why.reasons).toHaveLength(1);
    expect(why.sentence).toBe('It was removed 1 min ago; its id is never used again.');
  });

  it('spans are said in the two largest units that matter', () => {
    const words = [0, 59_000, 60_000, 3_600_000, 7_500_000, 90_000_000].map(spanWords);
    expect(words).toEqual(['0 s', '59 s', '1 min', '1 h', '2 h 5 min', '1 d 1 h']);
  });
});

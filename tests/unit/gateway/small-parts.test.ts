import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { readRunEvent, RunEvents } from '../../../src/gateway/run-events.ts';
import { stubAnswer } from '../../../src/gateway/stub-answer.ts';
import { promptOf, readDirectives } from '../../../src/gateway/stub-prompt.ts';
import { RECOVERY_PREFIX } from '../../../src/gateway/transcript.ts';
import { traceparentOf } from '../../../src/gateway/traceparent.ts';

describe('traceparent (R40)', () => {
  test('the same correlation id is the same trace, each run a span of its own (R40)', () => {
    const [first, second] = ['run-1', 'run-2'].map((run) =>
      traceparentOf('request-9', run).split('-'),
    );
    expect(first?.[1]).toBe(second?.[1]);
    expect(first?.[2]).not.toBe(second?.[2]);
    expect(traceparentOf('request-9', 'run-1')).toBe(traceparentOf('request-9', 'run-1'));
  });

  test('is valid W3C for every correlation id (R40)', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (id, span) => {
        expect(traceparentOf(id, span)).toMatch(/^00-(?!0{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      }),
    );
    expect(traceparentOf('0'.repeat(32), 'x')).not.toContain('0'.repeat(32));
  });
});

describe('run events', () => {
  test('reach the listeners of their run alone, and nobody after the unsubscription (R26)', () => {
    const events = new RunEvents();
    const seen: string[] = [];
    const off = events.on('a', (event) => seen.push(`a:${event.kind}`));
    events.on('b', (event) => seen.push(`b:${event.kind}`));
    events.receive({ runId: 'a', stream: 'lifecycle', data: { phase: 'start' } });
    events.receive({ runId: 'b', stream: 'usage', data: { outputTokens: 3 } });
    off();
    events.receive({ runId: 'a', stream: 'lifecycle', data: { phase: 'end' } });
    expect(seen).toEqual(['a:started', 'b:usage']);
  });

  test('an end is remembered until another boot, or until the run begins again (P21)', () => {
    const events = new RunEvents();
    expect(events.takeEnd('a')).toBeNull();
    events.receive({ runId: 'a', stream: 'lifecycle', data: { phase: 'error', error: 'x' } });
    expect([events.takeEnd('a'), events.takeEnd('a')]).toEqual([0, 1]);
    events.receive({ runId: 'a', stream: 'lifecycle', data: { phase: 'start' } });
    expect(events.takeEnd('a')).toBeNull();
    events.noteEnd('a');
    events.forgetEnds();
    expect(events.takeEnd('a')).toBeNull();
  });

  test('remembers thousands of ends, not all of them (R26)', () => {
    const events = new RunEvents();
    for (let n = 0; n < 5000; n += 1) events.noteEnd(`run-${n}`);
    expect(events.takeEnd('run-0')).toBeNull();
    expect(events.takeEnd('run-4999')).toBe(0);
  });

  test('total over whatever a gateway sends (G11)', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (payload, stream, data) => {
        new RunEvents().receive(payload);
        const event = readRunEvent(stream, data);
        expect(event === null || typeof event.kind === 'string').toBe(true);
      }),
    );
  });
});

describe("the stub model's prompt", () => {
  const user = (content: unknown): object => ({ role: 'user', content });

  test('is what the person said, without what OpenClaw puts around it (R26)', () => {
    const messages = [
      { role: 'system', content: 'be good' },
      user('earlier'),
      { role: 'assistant', content: 'ok' },
      user('[Sun 2026-11-22 15:20 UTC] do it\n\nRuntime: agent=main'),
      user('<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>> secret'),
    ];
    expect(promptOf(messages)).toBe('do it');
    expect(promptOf([user([{ type: 'text', text: 'in parts' }])])).toBe('in parts');
  });

  test('of a recovery is the prompt of the turn it resumes (P22.3)', () => {
    expect(promptOf([user('do it [[say:x]]'), user(`${RECOVERY_PREFIX} while`)])).toBe(
      'do it [[say:x]]',
    );
  });

  test('directives are read anywhere, nonsense in them is ignored (R26)', () => {
    expect(readDirectives('a [[sleep:20]] b [[say:hi there]]')).toEqual({
      say: 'hi there',
      calls: 1,
      sleepMs: 20,
      status: null,
      hang: false,
      drop: false,
    });
    expect(readDirectives('[[status:429]] [[hang]] [[drop]]')).toMatchObject({
      status: 429,
      hang: true,
      drop: true,
    });
    expect(readDirectives('[[calls:3]]').calls).toBe(3);
    expect(readDirectives('[[sleep:soon]] [[status:42]]')).toMatchObject({
      sleepMs: 0,
      status: null,
    });
    expect(readDirectives('')).toMatchObject({ say: null, sleepMs: 0, status: null });
  });

  test('answers the same to the same prompt and says that it is a stub (R26)', () => {
    const answer = stubAnswer('Summarise the harbour report about harbour traffic');
    expect(answer).toBe(stubAnswer('Summarise the harbour report about harbour traffic'));
    expect(answer).toMatch(/stub model, no real model was asked/);
    expect(answer).toMatch(/I read 7 words/);
    expect(answer).toMatch(/harbour, summarise/);
    expect(stubAnswer('x'.repeat(10_000)).length).toBeLessThan(300);
  });
});

import { describe, expect, test } from '@jest/globals';
import type { z } from 'zod';
import { problemsOf } from '../../../src/domain/input-problems.ts';
import { registerGateway } from '../../../src/contract/gateways.ts';
import { LIMITS } from '../../../src/contract/limits.ts';
import { decideTask, submitTask } from '../../../src/contract/task-dto.ts';
import { taskRoutes } from '../../../src/contract/tasks.ts';

function problems(schema: z.ZodType, input: unknown): string[] {
  const parsed = schema.safeParse(input);
  return parsed.success
    ? []
    : problemsOf(parsed.error, schema, input).map(
        ({ path, message }) => `${path.join('.')}: ${message}`,
      );
}

describe('submitting a task', () => {
  test('needs a prompt only; the rest has the defaults of the protocol (P7)', () => {
    expect(submitTask.parse({ prompt: 'x' })).toEqual({
      prompt: 'x',
      agent: 'main',
      priority: 'normal',
      maxAttempts: 3,
      runLimitSeconds: 3_600,
      idempotent: false,
    });
  });

  test.each(['A', 'a b', 'ä', '', 'a'.repeat(101), 'a/b', 'a:b'])(
    'refuses the session key %j and never folds it into another (P22)',
    (session) => {
      expect(problems(submitTask, { prompt: 'x', session })).toHaveLength(1);
    },
  );

  test.each(['A', 'a_b', 'a.b', '', 'a'.repeat(41)])('refuses the tenant %j (R21)', (tenant) => {
    expect(problems(submitTask, { prompt: 'x', tenant })).toHaveLength(1);
  });

  test('says everything that is wrong at once, with paths and what was likely meant (R38)', () => {
    expect(
      problems(submitTask, {
        prompt: '',
        promt: 'x',
        priority: 'urgent',
        maxAttempts: 0,
        deadline: 'tomorrow',
        notBefore: '3100-01-01T00:00:00Z',
      }).sort(),
    ).toEqual([
      'deadline: must be a moment like 2026-11-22T15:00:00Z',
      expect.stringMatching(/^maxAttempts: /),
      'notBefore: must lie in the years 2000 to 2999',
      'priority: must be one of critical, high, normal, low, background',
      'prompt: the prompt is empty',
      expect.stringMatching(/^promt: .*did you mean "prompt"/),
    ]);
  });

  test('measures a prompt in bytes of UTF-8 and names size and limit (R38)', () => {
    const fits = 'ä'.repeat(LIMITS.promptBytes / 2);
    expect(problems(submitTask, { prompt: fits })).toEqual([]);
    expect(problems(submitTask, { prompt: `${fits}x` })).toEqual([
      `prompt: the prompt has ${LIMITS.promptBytes + 1} bytes; the limit is ${LIMITS.promptBytes} bytes`,
    ]);
  });
});

describe('other inputs', () => {
  test('a list takes several states in one parameter (R29)', () => {
    const query = taskRoutes.list.query;
    expect(query.parse({ state: 'queued,backoff', limit: '10' })).toEqual({
      state: ['queued', 'backoff'],
      limit: 10,
    });
    expect(problems(query, { state: 'queued,nope' })).toHaveLength(1);
    expect(problems(query, { state: ['queued', 'queued'], limit: '0' })).toHaveLength(1);
  });

  test('a decision takes the properties of its kind only (P29)', () => {
    expect(decideTask.parse({ decision: 'accept' })).toEqual({ decision: 'accept', output: null });
    expect(problems(decideTask, { decision: 'retry', output: 'x' })).toHaveLength(1);
    expect(problems(decideTask, { decision: 'later' })).toHaveLength(1);
  });

  test('a gateway endpoint carries no credentials, and an adopted gateway needs its token (R26)', () => {
    const adopted = { kind: 'adopted', endpoint: 'ws://127.0.0.1:18789', token: 't' };
    expect(problems(registerGateway, adopted)).toEqual([]);
    expect(problems(registerGateway, { ...adopted, endpoint: 'ws://a:b@host:1' })).toHaveLength(1);
    expect(problems(registerGateway, { ...adopted, endpoint: 'http://host:1' })).toHaveLength(1);
    expect(problems(registerGateway, { kind: 'adopted', endpoint: 'ws://host:1' })).toHaveLength(1);
    expect(problems(registerGateway, { kind: 'managed' })).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LIMITS } from '../../../src/contract/limits.ts';
import { problem } from '../../../src/contract/problem.ts';
import { withDatabase } from '../../support/database.ts';
import { startTestApi, type RequestByHand, type TestApi } from '../../support/test-api.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

async function problemOf(method: string, path: string, options?: RequestByHand) {
  const answer = await api.request(method, path, options);
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const body = problem.strict().parse(await answer.json());
  expect(body.status).toBe(answer.status);
  expect(body.requestId).toBe(answer.headers.get('x-request-id'));
  return { answer, body };
}

describe('errors are problem documents with an actionable detail', () => {
  test.each([
    ['an unknown path', 'GET', '/api/v1/nothing', {}, 'route-not-found', 404],
    ['a trailing slash', 'GET', '/api/v1/tasks/', {}, 'route-not-found', 404],
    ['another case', 'GET', '/API/v1/tasks', {}, 'route-not-found', 404],
    ['a double slash', 'GET', '//api/v1/tasks', {}, 'route-not-found', 404],
    ['a broken percent sign', 'GET', '/api/v1/tasks/%zz', {}, 'route-not-found', 404],
    ['another method', 'DELETE', '/api/v1/tasks', {}, 'method-not-allowed', 405],
    ['OPTIONS', 'OPTIONS', '/api/v1/tasks', {}, 'method-not-allowed', 405],
    ['no key', 'GET', '/api/v1/tasks', { key: null }, 'unauthenticated', 401],
    ['a made up key', 'GET', '/api/v1/tasks', { key: 'dash_x_y' }, 'unauthenticated', 401],
    ['no JSON', 'POST', '/api/v1/tasks', { body: '{"prompt":' }, 'malformed-json', 400],
    ['a JSON text', 'POST', '/api/v1/tasks', { body: '"prompt"' }, 'validation-failed', 422],
    ['a JSON list', 'POST', '/api/v1/tasks', { body: [] }, 'validation-failed', 422],
    ['an empty body', 'POST', '/api/v1/tasks', {}, 'validation-failed', 422],
    [
      'a form',
      'POST',
      '/api/v1/tasks',
      { body: 'prompt=x', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
      'unsupported-media-type',
      415,
    ],
    [
      'another charset',
      'POST',
      '/api/v1/tasks',
      { body: '{}', headers: { 'Content-Type': 'application/json; charset=latin1' } },
      'unsupported-media-type',
      415,
    ],
    [
      'an unknown query parameter',
      'GET',
      '/api/v1/tasks?stat=queued',
      {},
      'validation-failed',
      422,
    ],
    [
      'a body where none is taken',
      'POST',
      '/api/v1/tasks/x/cancel',
      { body: { force: true } },
      'validation-failed',
      422,
    ],
    ['a query where none is taken', 'GET', '/health/live?verbose=1', {}, 'validation-failed', 422],
  ] as const)('%s: %s %s (R38)', async (_, method, path, options, code, status) => {
    const { body } = await problemOf(method, path, options);
    expect(body).toMatchObject({ code, status });
    expect(body.detail.length).toBeGreaterThan(20);
    expect(body.type).toBe(`/docs#${code}`);
  });

  test('HEAD is no method of any route (R29)', async () => {
    const answer = await api.request('HEAD', '/api/v1/tasks');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, GET');
  });

  test('all that is wrong with a request is said at once, each with its path (R38)', async () => {
    const { body } = await problemOf('POST', '/api/v1/tasks', {
      body: { promt: 'x', priority: 'urgent', session: 'Has Blanks', maxAttempts: 0, tenant: 'A' },
      headers: { 'Idempotency-Key': 'with blank' },
    });
    const issues = body.details?.['issues'] as { path: string; message: string }[];
    expect(issues.map(({ path }) => path).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'body.maxAttempts',
      'body.priority',
      'body.prompt',
      'body.promt',
      'body.session',
      'body.tenant',
      'header.Idempotency-Key',
    ]);
    expect(issues.find(({ path }) => path === 'body.promt')?.message).toContain(
      'did you mean "prompt"',
    );
    for (const { path } of issues) expect(body.detail).toContain(path);
  });

  test('what PostgreSQL cannot store is the error of the request, with its path (R38)', async () => {
    const { body } = await problemOf('POST', '/api/v1/tasks', { body: '{"prompt":"a\\u0000b"}' });
    expect(body.details).toMatchObject({ issues: [{ path: 'body.prompt' }] });
    const half = await problemOf('POST', '/api/v1/tasks', { body: '{"prompt":"a\\ud800b"}' });
    expect(half.body.code).toBe('validation-failed');
    const inPath = await problemOf('GET', '/api/v1/tasks/a%00b');
    expect(inPath.body.code).toBe('validation-failed');
  });

  test('a prompt over 256 KiB is 413 with the limit, one of exactly 256 KiB is accepted (R38)', async () => {
    const fits = 'a'.repeat(LIMITS.promptBytes);
    expect((await api.request('POST', '/api/v1/tasks', { body: { prompt: fits } })).status).toBe(
      202,
    );
    const { answer, body } = await problemOf('POST', '/api/v1/tasks', {
      body: { prompt: `${fits}a` },
    });
    expect(answer.status).toBe(413);
    expect(body).toMatchObject({
      code: 'payload-too-large',
      details: { limitBytes: LIMITS.promptBytes },
    });
    expect(body.detail).toContain(String(LIMITS.promptBytes));
  });

  test('a prompt over 256 KiB within a swarm is 413 with the limit and its path (R38)', async () => {
    const prompt = 'a'.repeat(LIMITS.promptBytes + 1);
    const { answer, body } = await problemOf('POST', '/api/v1/swarms', {
      body: { name: 'large', nodes: [{ id: 'a', prompt }] },
    });
    expect(answer.status).toBe(413);
    expect(body).toMatchObject({
      code: 'payload-too-large',
      details: { limitBytes: LIMITS.promptBytes, issues: [{ path: 'body.nodes[0].prompt' }] },
    });
  });

  test('a body over 1 MiB is 413 with the limit (R38)', async () => {
    const { answer, body } = await problemOf('POST', '/api/v1/swarms', {
      body: { name: 'x'.repeat(LIMITS.bodyBytes) },
    });
    expect(answer.status).toBe(413);
    expect(body).toMatchObject({
      code: 'payload-too-large',
      details: { limitBytes: LIMITS.bodyBytes },
    });
  });

  test('a stranger learns nothing of a body: the key is looked at first (R34)', async () => {
    const { body } = await problemOf('POST', '/api/v1/tasks', { key: null, body: '{"broken' });
    expect(body.code).toBe('unauthenticated');
  });

  test('answers forbid what they do not need: scripts, frames, sniffing, caches (R38)', async () => {
    const answer = await api.request('GET', '/docs', { key: null });
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toMatch(/default-src 'none'/);
    expect(policy).toMatch(/frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|script-src/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.has('x-powered-by')).toBe(false);
  });
});

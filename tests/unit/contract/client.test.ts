import { describe, expect, test } from '@jest/globals';
import { ApiError, ApiUnreachable } from '../../../src/contract/client-errors.ts';
import { createClient, type DashClient } from '../../../src/contract/client.ts';

interface Sent {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: unknown;
}

function clientWith(
  answers: readonly (() => Response)[],
  waits: number[] = [],
): { dash: DashClient; sent: Sent[] } {
  const sent: Sent[] = [];
  const left = [...answers];
  const dash = createClient({
    baseUrl: 'http://dash.test/',
    apiKey: 'dash_key',
    fetch: (async (url: string, init: RequestInit = {}) => {
      const headers = init.headers as Record<string, string>;
      const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
      sent.push({ url, method: init.method ?? 'GET', headers, body });
      await Promise.resolve();
      const answer = left.shift();
      if (answer === undefined)
        throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
      return answer();
    }) as typeof fetch,
    sleep: async (ms) => {
      waits.push(ms);
      await Promise.resolve();
    },
    random: () => 1,
  });
  return { dash, sent };
}

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  () =>
    new Response(JSON.stringify(body), { status, headers });
const problem = (code: string, status: number, retryable: boolean) => ({
  type: `/docs#${code}`,
  title: code,
  status,
  detail: `about ${code}`,
  instance: '/x',
  code,
  retryable,
  requestId: 'req-1',
  details: null,
});

describe('the client', () => {
  test('sends what the route table says: method, path with its parameters, query, headers, body (R44)', async () => {
    const { dash, sent } = clientWith([json({ items: [], nextCursor: null }), json({}), json({})]);
    await dash.tasks.list({ query: { state: ['queued', 'backoff'], limit: 5 } });
    await dash.tasks.submit({ body: { prompt: 'x' }, idempotencyKey: 'k', correlationId: 'c' });
    await dash.gateways.drain({ params: { gatewayId: 'a b' }, body: {} });
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET http://dash.test/api/v1/tasks?state=queued%2Cbackoff&limit=5',
      'POST http://dash.test/api/v1/tasks',
      'POST http://dash.test/api/v1/gateways/a%20b/drain',
    ]);
    expect(sent[0]!.headers).toMatchObject({ Authorization: 'Bearer dash_key' });
    expect(sent[1]).toMatchObject({
      headers: {
        'Idempotency-Key': 'k',
        'X-Correlation-Id': 'c',
        'Content-Type': 'application/json',
      },
      body: { prompt: 'x' },
    });
  });

  test('throws the problem that the API answered, with its Retry-After (R38)', async () => {
    const { dash } = clientWith([
      json(problem('limit-reached', 429, true), 429, { 'Retry-After': '7' }),
    ]);
    const error = await dash.tasks
      .submit({ body: { prompt: 'x' } })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      message: 'about limit-reached',
      retryAfterSeconds: 7,
      problem: { code: 'limit-reached' },
    });
  });

  test.each([
    ['nothing listens', [], /connect ECONNREFUSED/],
    ['something else answers', [() => new Response('<html>', { status: 502 })], /answered 502/],
    ['the answer is cut off', [() => new Response('{"ite', { status: 200 })], /cut off/],
  ])('says where it asked when %s (R44)', async (_, answers, words) => {
    const { dash } = clientWith(answers);
    const error = await dash.pools.list().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiUnreachable);
    expect(String(error)).toMatch(words);
    expect(String(error)).toContain('http://dash.test');
  });
});

const event = (seq: number) => ({
  seq,
  at: '2026-11-22T15:00:00.000Z',
  type: 'task.accepted',
  tenant: 'default',
  taskId: `t${seq}`,
  attemptId: null,
  swarmId: null,
  session: null,
  gatewayId: null,
  correlationId: null,
  actor: null,
  data: {},
});
const stream =
  (...blocks: string[]) =>
  () =>
    new Response(blocks.join(''), { status: 200 });
const message = (seq: number) => `id: s.${seq}\ndata: ${JSON.stringify(event(seq))}\n\n`;

describe('following events', () => {
  test('goes on behind the last cursor after every kind of break, without gap or double (R39)', async () => {
    const waits: number[] = [];
    const { dash, sent } = clientWith(
      [
        stream('id: s.7\n\n'),
        stream(message(8), message(9), 'id: s.10\ndata: {"cut'),
        json(problem('database-unavailable', 503, true), 503),
        stream(`event: problem\ndata: ${JSON.stringify(problem('slow-consumer', 429, true))}\n\n`),
        stream(message(10)),
        json(problem('cursor-expired', 410, false), 410),
      ],
      waits,
    );
    const seen: number[] = [];
    const reasons: string[] = [];
    const follow = async (): Promise<void> => {
      for await (const { event: one } of dash.events({
        onReconnect: (reason) => reasons.push(reason),
      })) {
        seen.push(one.seq);
      }
    };
    await expect(follow()).rejects.toMatchObject({ problem: { code: 'cursor-expired' } });
    expect(seen).toEqual([8, 9, 10]);
    expect(sent.map(({ url }) => new URL(url).searchParams.get('after'))).toEqual([
      null,
      's.7',
      's.9',
      's.9',
      's.9',
      's.10',
    ]);
    expect(reasons).toContain('about slow-consumer');
    expect(waits[2]).toBeGreaterThan(waits[1]!);
  });

  test('ends quietly when its signal aborts (R39)', async () => {
    const stop = new AbortController();
    const { dash } = clientWith([stream(message(1), message(2))]);
    const seen: number[] = [];
    for await (const { event: one } of dash.events({ signal: stop.signal, after: 'start' })) {
      seen.push(one.seq);
      if (one.seq === 2) stop.abort();
    }
    expect(seen).toEqual([1, 2]);
  });
});

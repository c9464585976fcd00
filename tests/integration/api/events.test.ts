import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type Socket } from 'node:net';
import { ADMIN_SCOPE } from '../../../src/contract/scopes.ts';
import type { FollowedEvent } from '../../../src/contract/follow-events.ts';
import { readSse, type SseMessage } from '../../../src/contract/sse.ts';
import { readInstallation } from '../../../src/db/installation-store.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { makeKey, startTestApi, type TestApi } from '../../support/test-api.ts';

const database = withDatabase({ maxConnections: 20 });
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    db: database().db,
    bounds: { heartbeatMs: 100, eventPollMs: 300, maxStreams: 3 },
  });
});
afterAll(() => api.close());
beforeEach(() =>
  eventually(async () => (await openStreams()) === 0, { what: 'the end of all streams' }),
);

const submitIn = (tenant: string, count: number): Promise<unknown[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      api.client.tasks.submit({ body: { prompt: `${index}`, tenant } }),
    ),
  );

const seqsOf = async (tenant: string): Promise<number[]> => {
  const rows = await database().db.rows<{ seq: number }>(
    'select seq from dash.events where tenant = $1 order by seq',
    [tenant],
  );
  return rows.map(({ seq }) => seq);
};

/** Follows until `enough` says so. */
async function followUntil(
  events: AsyncGenerator<FollowedEvent>,
  enough: (seen: readonly FollowedEvent[]) => boolean,
): Promise<FollowedEvent[]> {
  const seen: FollowedEvent[] = [];
  for await (const one of events) {
    seen.push(one);
    if (enough(seen)) return seen;
  }
  return seen;
}

describe('the event stream', () => {
  test('a reader that is cut off again and again misses nothing and sees nothing twice while work commits (P5)', async () => {
    const total = 150;
    // writers that go on while the reader is at the edge, so that pages and connections end anywhere
    const writer = async (): Promise<void> => {
      for (let count = 0; count < total / 5; count += 1) await submitIn('cuts', 1);
    };
    const submitting = Promise.all([1, 2, 3, 4, 5].map(writer));
    const seen: number[] = [];
    let after = 'start';
    let cut = 7;
    while (seen.length < total) {
      const part = await followUntil(
        api.client.events({ after, tenant: 'cuts' }),
        (sofar) => sofar.length >= cut || seen.length + sofar.length >= total,
      );
      seen.push(...part.map(({ event }) => event.seq));
      after = part.at(-1)!.cursor;
      cut = (cut * 3) % 31;
    }
    await submitting;
    expect(seen).toEqual(await seqsOf('cuts'));
    expect(seen).toHaveLength(total);
  });

  test('without a cursor only what happens from now on comes, in the order of the commits (R39)', async () => {
    await submitIn('now', 3);
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const { event } of api.client.events({ tenant: 'now', signal: stop.signal }))
        seen.push(event.seq);
    })();
    await eventually(async () => (await openStreams()) === 1);
    await submitIn('now', 5);
    await eventually(() => seen.length >= 5);
    await submitIn('now', 1);
    const expected = (await seqsOf('now')).slice(3);
    await eventually(() => seen.includes(expected.at(-1)!));
    stop.abort();
    await following;
    expect(seen).toEqual(expected);
  });

  test('filters let through what they name only (R39)', async () => {
    const { task } = await api.client.tasks.submit({
      body: { prompt: 'x', tenant: 'filters', session: 'talk' },
    });
    await api.client.tasks.submit({ body: { prompt: 'y', tenant: 'filters' } });
    await api.client.tasks.cancel({ params: { taskId: task.id } });
    const typesOf = async (
      filter: Parameters<typeof api.client.events>[0],
      count: number,
    ): Promise<string[]> =>
      (
        await followUntil(
          api.client.events({ after: 'start', ...filter }),
          (seen) => seen.length === count,
        )
      ).map(({ event }) => event.type);
    expect(await typesOf({ task: task.id }, 2)).toEqual(['task.accepted', 'task.cancelled']);
    expect(await typesOf({ tenant: 'filters', type: ['task.cancelled'] }, 1)).toEqual([
      'task.cancelled',
    ]);
    expect(await typesOf({ tenant: 'filters', session: 'talk' }, 2)).toEqual([
      'task.accepted',
      'task.cancelled',
    ]);
  });

  test('a key of one tenant gets the events of that tenant only, whatever it asks for (R21)', async () => {
    const key = await makeKey(database().db, { scopes: [ADMIN_SCOPE], tenant: 'alone' });
    const alone = api.clientOf(key);
    await submitIn('others', 3);
    await submitIn('alone', 2);
    const seen = await followUntil(alone.events({ after: 'start' }), (sofar) => sofar.length === 2);
    expect(seen.map(({ event }) => event.tenant)).toEqual(['alone', 'alone']);
    const foreign = await api.request('GET', '/api/v1/events?tenant=others', { key });
    expect(foreign.status).toBe(403);
  });

  test('a cursor of another stream is 410, one that is none is 422, and Last-Event-ID wins over after (P36)', async () => {
    const { stream } = await readInstallation(database().db);
    expect((await api.request('GET', '/api/v1/events?after=0123abc.5')).status).toBe(410);
    expect((await api.request('GET', '/api/v1/events?after=5')).status).toBe(422);
    const headers = { 'Last-Event-ID': 'nonsense' };
    expect((await api.request('GET', '/api/v1/events', { headers })).status).toBe(422);
    await submitIn('resume', 3);
    const [, second, third] = await seqsOf('resume');
    const messages = await readRaw(
      `/api/v1/events?tenant=resume&after=start`,
      { 'Last-Event-ID': `${stream}.${second}` },
      (all) => all.some(({ data }) => data !== null),
    );
    expect(messages.find(({ data }) => data !== null)?.id).toBe(`${stream}.${third}`);
  });

  test('a quiet stream is kept alive, and its cursor moves past what the filter held back (R39)', async () => {
    const started = readRaw('/api/v1/events?tenant=silent', {}, (all) => all.length >= 3);
    await eventually(async () => (await openStreams()) === 1);
    await submitIn('noise', 2);
    const newest = (await seqsOf('noise')).at(-1)!;
    const messages = await started;
    expect(messages.every(({ data }) => data === null)).toBe(true);
    expect(Number(messages.at(-1)!.id!.split('.')[1])).toBeGreaterThanOrEqual(newest);
  });

  test('a rare match far back in a long history is found without a wait per stretch (R39)', async () => {
    const { db } = database();
    await submitIn('rare', 1);
    await db.rows(`select setval('dash.events_seq', nextval('dash.events_seq') + 130000)`);
    await submitIn('rare', 1);
    const patient = await startTestApi({ db, bounds: { eventPollMs: 60_000 } });
    const seen = await followUntil(
      patient.client.events({ after: 'start', tenant: 'rare' }),
      (all) => all.length === 2,
    );
    await patient.close();
    expect(seen.map(({ event }) => event.seq)).toEqual(await seqsOf('rare'));
  });

  test('a notification that is lost costs the poll interval and no event (R39)', async () => {
    const { db } = database();
    const key = await makeKey(db, { scopes: ['events:read'] });
    const stop = new AbortController();
    const seen: number[] = [];
    const following = (async () => {
      for await (const { event } of api
        .clientOf(key)
        .events({ tenant: 'unheard', signal: stop.signal }))
        seen.push(event.seq);
    })();
    await eventually(async () => (await openStreams()) === 1);
    await db.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%listen' and datname = current_database()`,
    );
    await submitIn('unheard', 2);
    await eventually(() => seen.length === 2);
    stop.abort();
    await following;
  });

  test('a stream whose key is revoked ends within 5 s and says why (R34)', async () => {
    const { db } = database();
    const key = await makeKey(db, { scopes: ['events:read'] });
    const reading = readRaw('/api/v1/events', { Authorization: `Bearer ${key}` }, () => false);
    await eventually(async () => (await openStreams()) === 1);
    const revokedAt = performance.now();
    await db.rows('update dash.api_keys set revoked_at = now() where id = $1', [key.split('_')[1]]);
    const last = (await reading).at(-1)!;
    expect(JSON.parse(last.data!)).toMatchObject({ code: 'unauthenticated', retryable: false });
    expect(performance.now() - revokedAt).toBeLessThan(5_000);
  });

  test('more streams than allowed are refused and named, and a closed one gives its place back (R39)', async () => {
    await eventually(async () => (await openStreams()) === 0);
    const stops = [1, 2, 3].map(() => new AbortController());
    const open = stops.map((stop) =>
      fetch(`${api.url}/api/v1/events`, {
        headers: { Authorization: `Bearer ${api.adminKey}` },
        signal: stop.signal,
      }),
    );
    await Promise.all(open);
    const refused = await api.request('GET', '/api/v1/events');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(await refused.json()).toMatchObject({ code: 'too-many-streams', details: { limit: 3 } });
    stops[0]!.abort();
    await eventually(async () => (await openStreams()) === 2);
    for (const stop of stops) stop.abort();
    await eventually(async () => (await openStreams()) === 0);
  });

  test('a client that reads nothing is cut off, and what the API held for it is bounded (R39)', async () => {
    const { db } = database();
    for (let part = 0; part < 10; part += 1) {
      await db.rows(
        `insert into dash.events (seq, type, tenant, data)
         select nextval('dash.events_seq'), 'task.accepted', 'slow', jsonb_build_object('fill', repeat('x', 20000))
         from generate_series(1, 300)`,
      );
    }
    const lines: string[] = [];
    const strict = await startTestApi({
      db,
      bounds: { slowConsumerMs: 500 },
      logDestination: { write: (line) => void lines.push(line) },
    });
    const socket = connect(strict.port, '127.0.0.1');
    socket.pause();
    socket.write(
      `GET /api/v1/events?after=start&tenant=slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${strict.adminKey}\r\n\r\n`,
    );
    await eventually(() => lines.some((line) => line.includes('"route":"/api/v1/events"')), {
      timeoutMs: 20_000,
      what: 'the end of the stream',
    });
    const text = await readAll(socket);
    await strict.close();
    expect(text.length).toBeGreaterThan(100_000);
    expect(text.length).toBeLessThan(40_000_000);
    await db.rows(`delete from dash.events where tenant = 'slow'`);
  });

  test('when the API ends, streams are told so and end (R39)', async () => {
    const second = await startTestApi({ db: database().db });
    const reading = readRaw('/api/v1/events', {}, () => false, second);
    await eventually(async () => (await openStreams(second)) === 1);
    await second.close();
    const messages = await reading;
    expect(messages.at(-1)).toMatchObject({ event: 'problem' });
    expect(JSON.parse(messages.at(-1)!.data!)).toMatchObject({
      code: 'not-ready',
      retryable: true,
    });
  });
});

async function openStreams(of: TestApi = api): Promise<number> {
  const text = await (await of.request('GET', '/metrics')).text();
  return Number(/^dash_event_streams (\d+)$/m.exec(text)?.[1]);
}

/** The raw messages of a stream, until `enough` or its end. */
async function readRaw(
  path: string,
  headers: Record<string, string>,
  enough: (all: readonly SseMessage[]) => boolean,
  of: TestApi = api,
): Promise<SseMessage[]> {
  const stop = new AbortController();
  const answer = await fetch(of.url + path, {
    headers: { Authorization: `Bearer ${of.adminKey}`, ...headers },
    signal: stop.signal,
  });
  const all: SseMessage[] = [];
  try {
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    for await (const message of readSse(answer.body!)) {
      all.push(message);
      if (enough(all)) break;
    }
    return all;
  } finally {
    stop.abort();
  }
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (part: string) => {
    text += part;
  });
  socket.on('error', () => undefined);
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  return text;
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SwarmSpecInput } from '../../../src/domain/swarm-schema.ts';
import { withDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { finishSwarm } from '../../../src/db/swarm-store.ts';

const database = withDatabase();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
});
afterAll(() => api.close());

const SPEC: SwarmSpecInput & { strategy: 'map-reduce' } = {
  name: 'reviews',
  strategy: 'map-reduce',
  items: ['a', 'b', 'c'],
  map: { prompt: 'review {{item}}' },
  reduce: { prompt: 'sum up {{outputs}}', priority: 'high' },
};

describe('running a swarm', () => {
  test('its row and every node are stored, then its workflow is started (P31)', async () => {
    const { swarm, existing } = await api.client.swarms.run({ body: SPEC });
    expect(existing).toBe(false);
    expect(swarm).toMatchObject({
      name: 'reviews',
      state: 'running',
      onFailure: 'fail-fast',
      nodeCounts: { waiting: 4, admitted: 0 },
    });
    const read = await api.client.swarms.get({ params: { swarmId: swarm.id } });
    expect(read.nodes.map(({ id }) => id)).toEqual(['map-1', 'map-2', 'map-3', 'reduce']);
    expect(read.nodes[3]!.dependsOn).toEqual(['map-1', 'map-2', 'map-3']);
    await eventually(() =>
      api.messages.told.some(([name, id]) => name === 'startSwarm' && id === swarm.id),
    );
  });

  test('it is accepted while Temporal is away: reconcile starts it later (P31)', async () => {
    api.messages.fail(new Error('Temporal is away'));
    try {
      expect((await api.request('POST', '/api/v1/swarms', { body: SPEC })).status).toBe(202);
    } finally {
      api.messages.fail(null);
    }
  });

  test('the same Idempotency-Key and body make one swarm, another body is a conflict (R9)', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        api.client.swarms.run({ body: SPEC, idempotencyKey: 'one' }),
      ),
    );
    expect(new Set(answers.map(({ swarm }) => swarm.id)).size).toBe(1);
    expect(answers.filter(({ existing }) => !existing)).toHaveLength(1);
    await expect(
      api.client.swarms.run({ body: { ...SPEC, name: 'other' }, idempotencyKey: 'one' }),
    ).rejects.toMatchObject({
      problem: { code: 'idempotency-conflict', details: { swarmId: answers[0]!.swarm.id } },
    });
  });

  test('everything wrong with a specification is said at once, named, and nothing is created (R38)', async () => {
    const count = async (): Promise<number> =>
      (await database().db.rows('select 1 from dash.swarms')).length;
    const before = await count();
    const body = {
      name: 'broken',
      maxParalel: 3,
      nodes: [
        { id: 'a', prompt: 'x', dependsOn: ['c'] },
        { id: 'b', prompt: '', dependsOn: ['nowhere'] },
        { id: 'c', prompt: 'x', dependsOn: ['a'] },
        { id: 'a', prompt: 'x' },
      ],
    };
    const answer = await api.request('POST', '/api/v1/swarms', { body });
    expect(answer.status).toBe(422);
    const { details } = (await answer.json()) as {
      details: { issues: { path: string; message: string }[] };
    };
    const all = details.issues.map(({ path, message }) => `${path}: ${message}`).join('\n');
    expect(all).toContain('body.maxParalel: ');
    expect(all).toContain('did you mean "maxParallel"?');
    expect(all).toContain('body.nodes[1].prompt: ');
    expect(all).toMatch(/body\.nodes\[1\]\.dependsOn\[0\]: .*nowhere/);
    expect(all).toMatch(/body\.nodes\[3\].*: .*"a"/);
    expect(all).toMatch(/circle|cycle/);
    expect(await count()).toBe(before);
  });

  test('more than 1 000 tasks are refused with the number (R38)', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => `${index}`);
    const answer = await api.request('POST', '/api/v1/swarms', { body: { ...SPEC, items } });
    expect(answer.status).toBe(422);
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/1001/);
  });

  test('a pool that does not exist is refused by name (R38)', async () => {
    const answer = await api.request('POST', '/api/v1/swarms', {
      body: { ...SPEC, pool: 'nowhere' },
    });
    expect(answer.status).toBe(422);
    expect(((await answer.json()) as { detail: string }).detail).toContain('"nowhere"');
  });
});

describe('commands', () => {
  test('cancel is a row first: it is stored while Temporal is away (P28)', async () => {
    const { swarm } = await api.client.swarms.run({ body: SPEC });
    api.messages.fail(new Error('Temporal is away'));
    try {
      const cancelled = await api.client.swarms.cancel({ params: { swarmId: swarm.id } });
      expect(cancelled.swarm.cancelRequested).toBe(true);
    } finally {
      api.messages.fail(null);
    }
  });

  test('pause, resume and scale are asked of the workflow, and need its answer (R32)', async () => {
    const { swarm } = await api.client.swarms.run({ body: SPEC });
    const params = { swarmId: swarm.id };
    await api.client.swarms.pause({ params });
    await api.client.swarms.resume({ params });
    await api.client.swarms.scale({ params, body: { maxParallel: 7 } });
    const asked = api.messages.told.filter(
      ([name, id]) => name === 'updateSwarm' && id === swarm.id,
    );
    expect(asked.map(([, , update]) => update)).toEqual(['pause', 'resume', 'scale']);
    expect(asked[2]![3]).toMatchObject({
      maxParallel: 7,
      actor: expect.stringMatching(/^key:/),
    });
    api.messages.fail(new Error('Temporal is away'));
    try {
      const answer = await api.request('POST', `/api/v1/swarms/${swarm.id}/pause`);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).not.toBeNull();
      expect(await answer.json()).toMatchObject({ code: 'temporal-unavailable', retryable: true });
    } finally {
      api.messages.fail(null);
    }
  });

  test('a swarm that has ended takes no commands; cancelling a cancelled one is fine (R38)', async () => {
    const { db } = database();
    const { swarm } = await api.client.swarms.run({ body: SPEC });
    await finishSwarm(db, { swarmId: swarm.id, state: 'completed', reason: null });
    for (const action of ['pause', 'resume', 'cancel']) {
      const answer = await api.request('POST', `/api/v1/swarms/${swarm.id}/${action}`);
      expect(await answer.json()).toMatchObject({ code: 'swarm-ended', status: 409 });
    }
    const other = await api.client.swarms.run({ body: SPEC });
    await finishSwarm(db, { swarmId: other.swarm.id, state: 'cancelled', reason: null });
    expect(
      (await api.client.swarms.cancel({ params: { swarmId: other.swarm.id } })).swarm.state,
    ).toBe('cancelled');
  });

  test('lists show swarms newest first, by state (R29)', async () => {
    const { items } = await api.client.swarms.list({ query: { state: ['completed'] } });
    expect(items.map(({ state }) => state)).toEqual(['completed']);
    const page = await api.client.swarms.list({ query: { limit: 2 } });
    expect(page.items[0]!.seq).toBeGreaterThan(page.items[1]!.seq);
    expect(page.nextCursor).not.toBeNull();
  });
});

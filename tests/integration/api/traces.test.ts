import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { admitSwarmNode } from '../../../src/db/swarm-store.ts';
import { newId } from '../../../src/platform/ids.ts';
import { METRICS, type MetricSpec } from '../../../src/telemetry/metric-contract.ts';
import { withDatabase } from '../../support/database.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { deadTask, runningTask } from './support/rows.ts';

const database = withDatabase();
const lines: string[] = [];
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({
    db: database().db,
    logDestination: { write: (line) => void lines.push(line) },
  });
});
afterAll(() => api.close());

describe('the correlation id', () => {
  test('of a request stands in its answer, its rows, its events and its log lines (R42)', async () => {
    const headers = { 'X-Correlation-Id': 'ticket:4711.a_b-c' };
    const answer = await api.request('POST', '/api/v1/tasks', { headers, body: { prompt: 'x' } });
    expect(answer.headers.get('x-correlation-id')).toBe('ticket:4711.a_b-c');
    const { task } = (await answer.json()) as { task: { id: string; correlationId: string } };
    expect(task.correlationId).toBe('ticket:4711.a_b-c');
    const rows = await database().db.rows(
      'select 1 from dash.tasks where id = $1 and correlation_id = $2',
      [task.id, 'ticket:4711.a_b-c'],
    );
    expect(rows).toHaveLength(1);
    await api.client.tasks.cancel({ params: { taskId: task.id } });
    const { items } = await api.client.tasks.events({ params: { taskId: task.id } });
    expect(items.map(({ type, correlationId }) => [type, correlationId])).toEqual([
      ['task.accepted', 'ticket:4711.a_b-c'],
      ['task.cancelled', 'ticket:4711.a_b-c'],
    ]);
    const line = lines
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .find((one) => one['correlationId'] === 'ticket:4711.a_b-c');
    expect(line).toMatchObject({
      method: 'POST',
      route: '/api/v1/tasks',
      status: 202,
      requestId: answer.headers.get('x-request-id'),
    });
  });

  test('of a swarm goes on into the tasks of its nodes (R42)', async () => {
    const headers = { 'X-Correlation-Id': 'swarm-9' };
    const body = { name: 's', nodes: [{ id: 'a', prompt: 'x' }] };
    const answer = await api.request('POST', '/api/v1/swarms', { headers, body });
    const { swarm } = (await answer.json()) as { swarm: { id: string; correlationId: string } };
    expect(swarm.correlationId).toBe('swarm-9');
    const admitted = await admitSwarmNode(database().db, {
      swarmId: swarm.id,
      nodeId: 'a',
      taskId: newId('task'),
      pool: 'default',
      sessionKey: null,
      agent: 'main',
      prompt: 'x',
      priority: 3,
      runLimitSeconds: 60,
      maxAttempts: 1,
      idempotent: false,
    });
    expect(admitted).toMatchObject({ kind: 'accepted', task: { correlationId: 'swarm-9' } });
  });

  test.each(['with blank', 'ä', '', 'a'.repeat(101), '"quoted"'])(
    '%j is not taken over: one is made (R42)',
    async (id) => {
      const headers = { 'X-Correlation-Id': Buffer.from(id, 'utf8').toString('latin1') };
      const answer = await api.request('GET', '/health/live', { headers });
      expect(answer.headers.get('x-correlation-id')).toBe(answer.headers.get('x-request-id'));
      expect(answer.headers.get('x-request-id')).toMatch(/^req-[0-9a-z]{26}$/);
    },
  );
});

describe('the log', () => {
  test('has a line per request and no key or prompt in any (R43)', async () => {
    const before = lines.length;
    await api.request('POST', '/api/v1/tasks', { body: { prompt: 'a secret prompt' } });
    await api.request('GET', '/api/v1/tasks?cursor=bad');
    const text = lines.slice(before).join('');
    expect(text).toContain('"status":202');
    expect(text).toContain('"status":422');
    expect(text).not.toContain('a secret prompt');
    expect(lines.join('')).not.toContain(api.adminKey.split('_')[2]);
  });
});

describe('/metrics', () => {
  const scrape = async (): Promise<string> => (await api.request('GET', '/metrics')).text();
  const value = (text: string, series: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1],
    );

  test('exports every series of the contract (R41)', async () => {
    const text = await scrape();
    for (const { name, type } of Object.values<MetricSpec>(METRICS))
      expect(text).toContain(`# TYPE ${name} ${type}\n`);
  });

  test('shows at every scrape what the rows say (R16)', async () => {
    const { db } = database();
    const rowsByState = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (
          await db.rows<{ state: string; count: number }>(
            'select state, count(*) as count from dash.tasks group by state',
          )
        ).map(({ state, count }) => [state, Number(count)]),
      );
    for (let round = 0; round < 3; round += 1) {
      await api.client.tasks.submit({ body: { prompt: 'x', priority: 'background' } });
      const text = await scrape();
      for (const [state, count] of Object.entries(await rowsByState())) {
        expect({ state, count: value(text, `dash_tasks{state="${state}"}`) }).toEqual({
          state,
          count,
        });
      }
      const [queued] = await db.rows<{ count: number }>(
        `select count(*) as count from dash.tasks where state = 'queued' and effective_priority = 5`,
      );
      expect(value(text, 'dash_queue_depth{pool="default",priority="background"}')).toBe(
        Number(queued!.count),
      );
      expect(
        value(text, 'dash_queue_oldest_age_seconds{pool="default",priority="background"}'),
      ).toBeGreaterThanOrEqual(0);
    }
    await api.client.tasks.submit({ body: { prompt: 'x', approval: {} } });
    const running = await runningTask(db);
    await deadTask(db);
    const text = await scrape();
    expect(
      value(text, `dash_lanes{gateway="${running.gatewayId}",kind="held"}`),
    ).toBeGreaterThanOrEqual(1);
    expect(value(text, 'dash_gateways{state="open"}')).toBe(2);
    expect(value(text, 'dash_approvals_open{escalated="false"}')).toBe(1);
    expect(value(text, 'dash_approvals_open{escalated="true"}')).toBe(0);
    expect(value(text, 'dash_attempts_total{outcome="failed",class="permanent"}')).toBe(1);
    expect(value(text, 'dash_tasks{state="dead"}')).toBe(1);
  });

  test('labels requests by route, so that ids and inventions make no new series (R41)', async () => {
    for (const path of ['/api/v1/tasks/one', '/api/v1/tasks/two', '/invented/a', '/invented/b'])
      await api.request('GET', path);
    const text = await scrape();
    expect(
      value(
        text,
        'dash_http_request_seconds_count{route="/api/v1/tasks/{taskId}",method="GET",status="404"}',
      ),
    ).toBe(2);
    expect(
      value(text, 'dash_http_request_seconds_count{route="unmatched",method="any",status="404"}'),
    ).toBe(2);
    expect(text).not.toContain('invented');
  });
});

describe('/docs', () => {
  test('names every route, shape and error of the API, with no script and nothing from elsewhere (R29)', async () => {
    const answer = await api.request('GET', '/docs', { key: null });
    const html = await answer.text();
    expect(answer.headers.get('content-type')).toContain('text/html');
    const { paths, components } = (await (
      await api.request('GET', '/openapi.json', { key: null })
    ).json()) as {
      paths: object;
      components: { schemas: object };
    };
    for (const path of Object.keys(paths)) expect(html).toContain(`<code>${path}</code>`);
    for (const name of Object.keys(components.schemas)) expect(html).toContain(`id="${name}"`);
    expect(html).toContain('id="idempotency-conflict"');
    expect(html).not.toMatch(/<script|src=|@import|url\(|=\s*["']?(?:https?:)?\/\//);
  });
});

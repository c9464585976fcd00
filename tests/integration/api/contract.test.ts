import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { commonErrors, type RouteSpec } from '../../../src/contract/define-route.ts';
import type { ErrorCode } from '../../../src/contract/errors.ts';
import { problem } from '../../../src/contract/problem.ts';
import { listRoutes, type NamedRoute } from '../../../src/contract/routes.ts';
import { withDatabase } from '../../support/database.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';
import { deadTask, indeterminateTask } from './support/rows.ts';

const database = withDatabase();
let api: TestApi;
let document: { paths: Record<string, Record<string, { operationId: string }>> };
beforeAll(async () => {
  api = await startTestApi({ db: database().db });
  document = (await (
    await api.request('GET', '/openapi.json', { key: null })
  ).json()) as typeof document;
});
afterAll(() => api.close());

const ROUTES = new Map(listRoutes().map((named) => [named.name, named]));
const SWARM = {
  name: 'contract',
  strategy: 'parallel',
  items: ['a', 'b'],
  prompt: 'about {{item}}',
};

const SCHEDULE = { name: 'contract', cron: '@daily', task: { prompt: 'x' } };

/** A request that succeeds, for each operation; the world it needs is made first. */
const SUCCESSES: Readonly<Record<string, () => Promise<{ path: string; body?: unknown }>>> = {
  'tasks.submit': () => at('/api/v1/tasks', { prompt: 'x' }),
  'tasks.list': () => at('/api/v1/tasks?state=queued,dead&limit=5'),
  'tasks.get': async () => at(`/api/v1/tasks/${await newTask()}`),
  'tasks.attempts': async () => at(`/api/v1/tasks/${await deadTask(database().db)}/attempts`),
  'tasks.events': async () => at(`/api/v1/tasks/${await newTask()}/events`),
  'tasks.cancel': async () => at(`/api/v1/tasks/${await newTask()}/cancel`),
  'tasks.decide': async () =>
    at(`/api/v1/tasks/${(await indeterminateTask(database().db)).taskId}/decide`, {
      decision: 'discard',
    }),
  'tasks.replay': async () => at(`/api/v1/tasks/${await deadTask(database().db)}/replay`),
  'tasks.discard': async () => at(`/api/v1/tasks/${await deadTask(database().db)}/discard`),
  'deadLetters.list': async () => {
    await deadTask(database().db);
    return at('/api/v1/dead-letters?state=open&reason=permanent&failureClass=permanent');
  },
  'deadLetters.get': async () => at(`/api/v1/dead-letters/${await deadTask(database().db)}`),
  'bulkOperations.start': () =>
    at('/api/v1/bulk-operations', { action: 'discard', filter: { reason: ['budget'] } }),
  'bulkOperations.get': async () => at(`/api/v1/bulk-operations/${await newBulk()}`),
  'bulkOperations.cancel': async () => at(`/api/v1/bulk-operations/${await newBulk()}/cancel`),
  'decisions.list': async () => {
    await indeterminateTask(database().db);
    return at('/api/v1/decisions');
  },
  'decisions.get': async () =>
    at(`/api/v1/decisions/${(await indeterminateTask(database().db)).taskId}`),
  'swarms.run': () => at('/api/v1/swarms', SWARM),
  'swarms.list': () => at('/api/v1/swarms?state=running'),
  'swarms.get': async () => at(`/api/v1/swarms/${await newSwarm()}`),
  'swarms.cancel': async () => at(`/api/v1/swarms/${await newSwarm()}/cancel`),
  'swarms.pause': async () => at(`/api/v1/swarms/${await newSwarm()}/pause`),
  'swarms.resume': async () => at(`/api/v1/swarms/${await newSwarm()}/resume`),
  'swarms.scale': async () => at(`/api/v1/swarms/${await newSwarm()}/scale`, { maxParallel: 3 }),
  'approvals.list': async () => {
    await newApproval();
    return at('/api/v1/approvals?state=open');
  },
  'approvals.get': async () => at(`/api/v1/approvals/${await newApproval()}`),
  'approvals.approve': async () =>
    at(`/api/v1/approvals/${await newApproval()}/approve`, { comment: 'fine' }),
  'approvals.reject': async () => at(`/api/v1/approvals/${await newApproval()}/reject`),
  'schedules.create': () => at('/api/v1/schedules', SCHEDULE),
  'schedules.list': () => at('/api/v1/schedules?limit=5'),
  'schedules.get': async () => at(`/api/v1/schedules/${await newSchedule()}`),
  'schedules.update': async () =>
    at(`/api/v1/schedules/${await newSchedule()}/update`, { everySeconds: 60 }),
  'schedules.pause': async () => at(`/api/v1/schedules/${await newSchedule()}/pause`),
  'schedules.resume': async () => at(`/api/v1/schedules/${await newSchedule()}/resume`),
  'schedules.trigger': async () => at(`/api/v1/schedules/${await newSchedule()}/trigger`),
  'schedules.remove': async () => at(`/api/v1/schedules/${await newSchedule()}`),
  'sessions.list': async () => {
    await newTask({ session: 'talk' });
    return at('/api/v1/sessions');
  },
  'sessions.get': async () => {
    await newTask({ session: 'talk' });
    return at('/api/v1/sessions/talk?tenant=default');
  },
  'sessions.quarantine': () => sessionCall('quarantine', { reason: 'contract' }),
  'sessions.release': () => sessionCall('release', {}),
  'sessions.migrate': () => sessionCall('migrate', { reason: 'contract' }),
  'policy.get': () => at('/api/v1/outcome-policy'),
  'policy.set': () => at('/api/v1/outcome-policy', { quarantineAfter: 5 }),
  'gateways.register': () =>
    at('/api/v1/gateways', {
      kind: 'adopted',
      id: 'contract',
      endpoint: 'ws://127.0.0.1:9',
      token: 't',
    }),
  'gateways.update': async () => at(`/api/v1/gateways/${await newGateway()}`, { lanes: 3 }),
  'gateways.list': () => at('/api/v1/gateways?removed=true'),
  'gateways.get': async () => at(`/api/v1/gateways/${await newGateway()}`),
  'tasks.why': async () => at(`/api/v1/tasks/${await newTask()}/why`),
  'swarms.why': async () => at(`/api/v1/swarms/${await newSwarm()}/why`),
  'sessions.why': async () => {
    await newTask({ session: 'talk' });
    return at('/api/v1/sessions/talk/why?tenant=default');
  },
  'gateways.why': async () => at(`/api/v1/gateways/${await newGateway()}/why`),
  'reconcile.findings': () => at('/api/v1/reconcile-findings?standing=true&kind=owner-gone'),
  'reconcile.run': () => at('/api/v1/reconcile/run'),
  'tasks.bump': async () => at(`/api/v1/tasks/${await newTask()}/bump`, { priority: 'high' }),
  'pools.list': () => at('/api/v1/pools'),
  'tasks.spending': async () => at(`/api/v1/tasks/${await newTask()}/spending`),
  'budgets.list': () => at('/api/v1/budgets?scope=tenant'),
  'budgets.get': async () => at(`/api/v1/budgets/${await newBudget()}`),
  'budgets.put': () => at('/api/v1/budgets/fleet', { usd: 1000, period: 'month' }),
  'budgets.remove': async () => at(`/api/v1/budgets/${await newBudget()}`),
  'pools.get': () => at('/api/v1/pools/default'),
  'pools.put': () => at('/api/v1/pools/contract', { matchLabels: { kind: 'gpu' } }),
  'pools.delete': async () => {
    await api.client.pools.put({ params: { pool: 'short-lived' } });
    return at('/api/v1/pools/short-lived');
  },
  'tenants.list': () => at('/api/v1/tenants?limit=5'),
  'tenants.get': () => at('/api/v1/tenants/default'),
  'tenants.put': () => at('/api/v1/tenants/contract', { weight: 2 }),
  'fleet.get': () => at('/api/v1/fleet'),
  'fleet.limits': () => at('/api/v1/fleet/limits', { maxRunningTotal: null }),
  'fleet.pause': () => at('/api/v1/fleet/pause', { reason: 'contract' }),
  'fleet.resume': () => at('/api/v1/fleet/resume', {}),
  'chains.put': async () => at(`/api/v1/gateways/${await newGateway()}/chain`, {}),
  'chains.heal': async () =>
    at(`/api/v1/gateways/${await newChain()}/chain/heal`, { dryRun: true }),
  'chains.list': async () => {
    await newChain();
    return at('/api/v1/chains');
  },
  'events.stream': () => at('/api/v1/events?after=start'),
  'operations.live': () => at('/health/live'),
  'operations.ready': () => at('/health/ready'),
  'operations.openapi': () => at('/openapi.json'),
  'operations.docs': () => at('/docs'),
  'operations.metrics': () => at('/metrics'),
};

async function at(path: string, body?: unknown): Promise<{ path: string; body?: unknown }> {
  await Promise.resolve();
  return body === undefined ? { path } : { path, body };
}
async function sessionCall(name: string, body: object): Promise<{ path: string; body?: unknown }> {
  await newTask({ session: 'cared-for' });
  return at(`/api/v1/sessions/cared-for/${name}`, body);
}
async function newTask(extra: object = {}): Promise<string> {
  const { task } = await api.client.tasks.submit({ body: { prompt: 'x', ...extra } });
  return task.id;
}
async function newApproval(): Promise<string> {
  const { task } = await api.client.tasks.submit({ body: { prompt: 'x', approval: {} } });
  return task.approvalId!;
}
async function newBulk(): Promise<string> {
  const body = { action: 'replay', filter: { pool: 'default' } } as const;
  const answer = await api.client.bulkOperations.start({ body });
  if (answer.dryRun) throw new Error('this was no dry run');
  return answer.operation.id;
}
async function newSwarm(): Promise<string> {
  const answer = await api.request('POST', '/api/v1/swarms', { body: SWARM });
  return ((await answer.json()) as { swarm: { id: string } }).swarm.id;
}
async function newSchedule(): Promise<string> {
  const { schedule } = await api.client.schedules.create({ body: SCHEDULE });
  return schedule.id;
}
async function newBudget(): Promise<string> {
  const params = { budgetName: 'tenant:frugal' };
  return (await api.client.budgets.put({ params, body: { tokens: 5 } })).name;
}
async function newGateway(): Promise<string> {
  const { id } = await api.client.gateways.register({ body: { kind: 'managed' } });
  return id;
}

/** A gateway whose dashboard is watched. */
async function newChain(): Promise<string> {
  const gatewayId = await newGateway();
  await api.client.chains.put({ params: { gatewayId }, body: {} });
  return gatewayId;
}

/** Commands all look alike; each is asked of a gateway of its own. */
async function requestOf({ name, route }: NamedRoute): Promise<{ path: string; body?: unknown }> {
  const make = SUCCESSES[name];
  if (make !== undefined) return make();
  const gatewayId = name.startsWith('chains.') ? await newChain() : await newGateway();
  const path = route.path.replace('{gatewayId}', gatewayId);
  return at(path, route.body === undefined ? undefined : { reason: 'contract' });
}

function declaredErrors(route: RouteSpec): ReadonlySet<ErrorCode> {
  return new Set([...commonErrors(route), ...route.errors]);
}

describe('the document and the server', () => {
  test('every operation of the document answers as it says there, body included (R29)', async () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({
        path,
        method: method.toUpperCase(),
        operationId,
      })),
    );
    expect(operations).toHaveLength(ROUTES.size);
    for (const { operationId, method } of operations) {
      const named = ROUTES.get(operationId)!;
      const { path, body } = await requestOf(named);
      const stop = new AbortController();
      const answer = await fetch(api.url + path, {
        method,
        headers: { Authorization: `Bearer ${api.adminKey}`, 'Content-Type': 'application/json' },
        signal: stop.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const declared = named.route.responses[answer.status];
      expect({
        operationId,
        status: answer.status,
        declared: declared !== undefined,
      }).toEqual({ operationId, status: answer.status, declared: true });
      if (declared !== undefined && 'schema' in declared)
        declared.schema.parse(await answer.json());
      else expect(answer.headers.get('content-type')).toContain(declared?.contentType);
      stop.abort();
    }
  });

  test('nothing but the document answers: other methods 405, other paths 404, among them the old ways to write ours (R29, G5, G6, G7)', async () => {
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND'];
    for (const [path, declared] of Object.entries(document.paths)) {
      const place = path.replace(/\{\w+\}/g, 'none');
      for (const method of methods.filter((one) => declared[one.toLowerCase()] === undefined)) {
        const { status } = await api.request(method, place);
        expect({ method, path, status }).toEqual({ method, path, status: 405 });
      }
      const { status } = await api.request('GET', `${place}/further/more/still`);
      expect({ path, known: status !== 404 }).toEqual({ path, known: false });
    }
    for (const path of [
      '/',
      '/health',
      '/health/health',
      '/ws',
      '/events',
      '/v1/tasks',
      '/api',
      '/api/v1',
      '/api/tasks',
      '/favicon.ico',
      '/docs/x',
      '/metrics/',
    ]) {
      const { status } = await api.request('GET', path);
      expect({ path, status }).toEqual({ path, status: 404 });
    }
  });
});

describe('any input', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('default', 'main', '\0', '\ud800', ''),
  );
  const value = fc.oneof(
    text,
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(text, { maxLength: 2 }),
  );
  const names = [
    'prompt',
    'tenant',
    'pool',
    'requirements',
    'weight',
    'matchLabels',
    'session',
    'agent',
    'priority',
    'maxAttempts',
    'deadline',
    'kind',
    'endpoint',
    'token',
    'labels',
    'lanes',
    'decision',
    'approval',
    'comment',
    'output',
    'attemptId',
    'reason',
    'maxParallel',
    'strategy',
    'cron',
    'everySeconds',
    'timeZone',
    'overlap',
    'task',
    'swarm',
    'items',
    'nodes',
    'steps',
    'name',
    '__proto__',
    'constructor',
  ];
  const body = fc.dictionary(fc.oneof(fc.constantFrom(...names), text), value, { maxKeys: 6 });

  test('is answered by a declared status and a valid problem, never by 5xx (R38)', async () => {
    const routes = listRoutes().filter(
      // their effect on the whole fleet is for the tests that know of it
      ({ name, route }) => ['POST', 'PUT'].includes(route.method) && !name.startsWith('fleet.'),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), body, text, async ({ route }, input, place) => {
        const path = route.path.replace(
          /\{\w+\}/g,
          encodeURIComponent(place.toWellFormed()) || 'x',
        );
        const answer = await api.request(route.method, path, { body: JSON.stringify(input) });
        if (answer.ok) {
          expect(Object.keys(route.responses)).toContain(String(answer.status));
          return;
        }
        const { code, status } = problem.parse(await answer.json());
        expect(status).toBeLessThan(500);
        if (code !== 'route-not-found') expect([...declaredErrors(route)]).toContain(code);
      }),
      { numRuns: 300 },
    );
  });

  test('in a query is answered by 200 or a valid problem, never by 5xx (R38)', async () => {
    const routes = listRoutes().filter(
      ({ name, route }) =>
        route.method === 'GET' && route.query !== undefined && name !== 'events.stream',
    );
    const query = fc.dictionary(
      fc.constantFrom(
        'state',
        'tenant',
        'pool',
        'session',
        'swarm',
        'task',
        'priority',
        'limit',
        'cursor',
        'removed',
        'gateway',
        'reason',
        'failureClass',
        'from',
      ),
      text,
      { maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), query, async ({ route }, parameters) => {
        const search = new URLSearchParams(
          Object.entries(parameters).map(([key, item]): [string, string] => [
            key,
            item.toWellFormed(),
          ]),
        );
        const path = `${route.path.replace(/\{\w+\}/g, 'none')}?${search.toString()}`;
        const answer = await api.request('GET', path);
        if (!answer.ok) expect(problem.parse(await answer.json()).status).toBeLessThan(500);
      }),
      { numRuns: 200 },
    );
  });
});

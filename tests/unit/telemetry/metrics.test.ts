import { describe, expect, test } from '@jest/globals';
import { Registry, register } from 'prom-client';
import { METRICS, type MetricSpec } from '../../../src/telemetry/metric-contract.ts';
import { createMetrics, type RowMetrics } from '../../../src/telemetry/metrics.ts';

const SPECS = Object.values<MetricSpec>(METRICS);
const ROWS: RowMetrics = {
  tasks: [{ state: 'queued', count: 3 }],
  queue: [{ pool: 'default', priority: 'high', depth: 3, oldestAgeSeconds: 1.5 }],
  lanes: [{ gatewayId: 'g1', held: 1, free: 3, health: 0.75, errorRate: 0.2 }],
  gateways: [{ state: 'open', count: 1 }],
  chainLinks: [{ gatewayId: 'g1', link: 'cors', state: 'broken' }],
  attempts: [
    { outcome: 'succeeded', failureClass: null, count: 5 },
    { outcome: 'failed', failureClass: 'transient', count: 2 },
  ],
  approvals: [{ escalated: false, count: 2 }],
  budgets: [
    {
      name: 'fleet',
      limit: { usd: 10, tokens: null },
      spent: { usd: 2.5, tokens: 900 },
      reserved: { usd: 1, tokens: 0 },
    },
    {
      name: 'tenant:acme',
      limit: { usd: null, tokens: 1000 },
      spent: { usd: 2.5, tokens: 900 },
      reserved: { usd: 1, tokens: 0 },
    },
  ],
  findings: [{ kind: 'dirty-swarm', repaired: true, count: 4 }],
};

function observeAll(metrics: ReturnType<typeof createMetrics>): void {
  metrics.claimed(0.002);
  metrics.started(0.2);
  metrics.httpRequestDone({ route: '/x', method: 'GET', status: 200, seconds: 0.01 });
  metrics.eventStreams(2);
}

describe('metrics', () => {
  test('every series of the contract is exported with its type, help and labels, and none besides (R41)', async () => {
    const registry = new Registry();
    const metrics = createMetrics({ registry });
    observeAll(metrics);
    const text = await metrics.scrape(() => Promise.resolve(ROWS));
    const exported = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    expect(exported.sort()).toEqual(SPECS.map(({ name, type }) => `${name} ${type}`).sort());
    for (const { name, help, labels } of SPECS) {
      expect(text).toContain(`# HELP ${name} ${help}`);
      const sample = new RegExp(`^${name}(?:_count|_sum)?(?:\\{(.*)\\})? `, 'm').exec(text);
      const found = [...(sample?.[1] ?? '').matchAll(/(\w+)="/g)]
        .map(([, label]) => String(label))
        .toSorted((a, b) => a.localeCompare(b));
      expect({ name, found }).toEqual({
        name,
        found: labels.toSorted((a, b) => a.localeCompare(b)),
      });
    }
    expect(metrics.contentType).toContain('text/plain');
  });

  test('names end in a unit or count things, and histograms are in seconds (R41)', () => {
    for (const { name, type } of SPECS) {
      expect(name).toMatch(/^dash_[a-z_]+$/);
      expect({ name, isTotal: name.endsWith('_total') }).toEqual({
        name,
        isTotal: type === 'counter',
      });
      expect({ name, isTimed: name.endsWith('_seconds') || type !== 'histogram' }).toEqual({
        name,
        isTimed: true,
      });
    }
  });

  test('series made of rows equal the rows at every scrape: what is gone is gone (R16)', async () => {
    const metrics = createMetrics({ registry: new Registry() });
    const first = await metrics.scrape(() => Promise.resolve(ROWS));
    expect(first).toContain('dash_queue_depth{pool="default",priority="high"} 3');
    expect(first).toContain('dash_queue_oldest_age_seconds{pool="default",priority="high"} 1.5');
    expect(first).toContain('dash_lanes{gateway="g1",kind="free"} 3');
    expect(first).toContain('dash_gateway_health_ratio{gateway="g1"} 0.75');
    expect(first).toContain('dash_gateway_error_ratio{gateway="g1"} 0.2');
    expect(first).toContain('dash_attempts_total{outcome="failed",class="transient"} 2');
    const second = await metrics.scrape(() => Promise.resolve({ ...ROWS, queue: [] }));
    expect(second).not.toContain('dash_queue_depth{');
    expect(second).toContain('dash_attempts_total{outcome="failed",class="transient"} 2');
  });

  test('without the database no old value passes for a present one (R16)', async () => {
    const metrics = createMetrics({ registry: new Registry() });
    observeAll(metrics);
    await metrics.scrape(() => Promise.resolve(ROWS));
    const text = await metrics.scrape(() => Promise.reject(new Error('down')));
    expect(text).toContain('dash_database_up 0');
    expect(text).not.toMatch(/^dash_(tasks|queue_depth|lanes|gateways|attempts_total)\{/m);
    expect(text).toContain(
      'dash_http_request_seconds_count{route="/x",method="GET",status="200"} 1',
    );
  });

  test('nothing is put into the global registry (R41, G14)', async () => {
    createMetrics({ registry: new Registry() });
    expect(await register.metrics()).toBe('\n');
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics.ts';
import { startStatusServer, type StatusServer } from '../../../workers/status-server.ts';

let server: StatusServer;
let metrics: Metrics;
let isReady = false;

async function get(path: string): Promise<{ status: number; text: string; type: string | null }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return {
    status: response.status,
    text: await response.text(),
    type: response.headers.get('content-type'),
  };
}

beforeEach(async () => {
  isReady = false;
  const registry = new Registry();
  metrics = createMetrics({ registry });
  server = await startStatusServer({
    host: '127.0.0.1',
    port: 0,
    isReady: () => isReady,
    registry,
  });
});
afterEach(() => server.close());

describe('the status of a worker process', () => {
  test('lives from the first moment, is ready only while it polls (R32)', async () => {
    expect(await get('/health/live')).toMatchObject({ status: 200 });
    expect(await get('/health/ready')).toMatchObject({ status: 503 });
    isReady = true;
    expect(await get('/health/ready')).toMatchObject({ status: 200, text: '{"status":"ready"}\n' });
  });

  test('shows what the process observed, and nothing that the api reads from rows: it would count twice (R41, G14)', async () => {
    metrics.claimed(0.004);
    metrics.started(0.2);
    const { text, type } = await get('/metrics');
    expect(type).toContain('text/plain');
    expect(text).toContain('dash_claim_seconds_count 1');
    expect(text).toContain('dash_start_latency_seconds_count 1');
    expect(text).not.toMatch(/dash_(tasks|queue_depth|lanes|database_up)/);
  });

  test('a process that observes nothing answers an empty page', async () => {
    const bare = await startStatusServer({
      host: '127.0.0.1',
      port: 0,
      isReady: () => true,
      registry: new Registry(),
    });
    const response = await fetch(`http://127.0.0.1:${bare.port}/metrics`);
    expect({ status: response.status, text: await response.text() }).toEqual({
      status: 200,
      text: '\n',
    });
    await bare.close();
  });

  test('answers nothing else', async () => {
    expect(await get('/')).toMatchObject({ status: 404 });
    expect(await get('/health')).toMatchObject({ status: 404 });
  });

  test('a taken port is an error at the start, not later', async () => {
    const again = startStatusServer({
      host: '127.0.0.1',
      port: server.port,
      isReady: () => true,
      registry: new Registry(),
    });
    await expect(again).rejects.toThrow(/EADDRINUSE/);
  });
});

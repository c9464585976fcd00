import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { METRICS } from '../src/telemetry/metric-contract.ts';

/** What a worker process says about itself to an orchestrator and to Prometheus. */
export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface StatusServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** True from the moment it polls for work until it ends. */
  readonly isReady: () => boolean;
  readonly registry: Registry;
}

/**
 * Answers `/health/live` (200 while the process lives), `/health/ready` (503 until it polls, and while it
 * ends) and `/metrics` with the series that this process observes itself; those made of rows come from
 * the api alone, or they would be counted twice. Without authentication: it gives no secrets and takes
 * no orders. Throws when the port is taken.
 */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', options).then(({ status, type, text }) => {
      response.writeHead(status, { 'content-type': type }).end(text);
    });
  });
  server.listen({ host: options.host, port: options.port });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: () => closeServer(server),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

async function answer(url: string, { isReady, registry }: StatusServerOptions): Promise<Answer> {
  const [path = '/'] = url.split('?');
  switch (path) {
    case '/health/live':
      return json(200, { status: 'alive' });
    case '/health/ready':
      return isReady() ? json(200, { status: 'ready' }) : json(503, { status: 'not-ready' });
    case '/metrics':
      return { status: 200, type: registry.contentType, text: await observedSeries(registry) };
    default:
      return json(404, {
        status: 'unknown path; there are /health/live, /health/ready and /metrics',
      });
  }
}

async function observedSeries(registry: Registry): Promise<string> {
  const names = Object.values(METRICS).filter(({ source }) => source === 'process');
  const known = names.filter(({ name }) => registry.getSingleMetric(name) !== undefined);
  const texts = await Promise.all(known.map(({ name }) => registry.getSingleMetricAsString(name)));
  return `${texts.join('\n\n')}\n`;
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', text: `${JSON.stringify(body)}\n` };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

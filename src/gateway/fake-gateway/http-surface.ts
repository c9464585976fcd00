import type { IncomingMessage, ServerResponse } from 'node:http';

import { loopReport } from './methods.ts';

interface Health {
  readonly version: string;
  readonly uptimeMs: number;
  readonly eventLoopDelayMs: number;
  readonly starting: boolean;
  readonly draining: boolean;
  /** Any other path is a page of the Control UI. */
  readonly servesPages: boolean;
}

/** The probes of a gateway, live always, started and ready only when it takes work; and the pages of its Control UI. */
export function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  health: Health,
): void {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  const known = PROBES[path];
  if (known === undefined && health.servesPages && request.method === 'GET')
    return sendPage(response);
  if (known === undefined) return send(response, 404, { error: 'not found' });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return send(response, 405, { error: 'method not allowed' });
  }
  const [status, body] = known(health);
  send(response, status, body);
}

type Probe = (health: Health) => readonly [number, Readonly<Record<string, unknown>>];

const live: Probe = () => [200, { ok: true, status: 'live' }];

const started: Probe = ({ version, uptimeMs, starting, draining }) => {
  const status = draining ? 'draining' : starting ? 'starting' : 'started';
  return [
    status === 'started' ? 200 : 503,
    { ok: status === 'started', status, version, uptimeMs },
  ];
};

const ready: Probe = ({ uptimeMs, eventLoopDelayMs, starting, draining }) => {
  const failing = [
    ...(starting ? ['startup-sidecars'] : []),
    ...(draining ? ['gateway-draining'] : []),
  ];
  const isReady = failing.length === 0;
  return [
    isReady ? 200 : 503,
    { ready: isReady, failing, uptimeMs, eventLoop: loopReport(eventLoopDelayMs) },
  ];
};

const PROBES: Readonly<Record<string, Probe | undefined>> = {
  '/health': live,
  '/healthz': live,
  '/startup': started,
  '/startupz': started,
  '/ready': ready,
  '/readyz': ready,
};

function sendPage(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', connection: 'close' });
  response.end('<!doctype html><title>OpenClaw</title>');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}

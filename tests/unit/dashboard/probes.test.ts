import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocketServer } from 'ws';
import { probeCertificate } from '../../../src/dashboard/probe-certificate.ts';
import { probeHttp, probePage } from '../../../src/dashboard/probe-http.ts';
import { probeSocket } from '../../../src/dashboard/probe-socket.ts';
import { startFakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { tempDir } from '../../support/temp-dir.ts';

const ORIGIN = 'https://agents.example';
const timeoutMs = 5_000;
const clock = systemClock();
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function listen(server: Server): Promise<URL> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

async function answering(listener: RequestListener): Promise<URL> {
  return listen(createHttpServer(listener));
}

async function bothProbes(url: URL, ms = timeoutMs): Promise<readonly unknown[]> {
  return Promise.all([
    probeHttp({ url, clock, timeoutMs: ms }),
    probeSocket({ url, origin: ORIGIN, timeoutMs: ms }),
  ]);
}

describe('the signature of each fault (R60)', () => {
  test('nobody listens: refused', async () => {
    const server = createTcpServer();
    const url = await listen(server);
    server.close();
    await once(server, 'close');
    expect(await bothProbes(url)).toEqual([{ kind: 'refused' }, { kind: 'refused' }]);
  });

  test('a forward whose target does not listen: reset', async () => {
    const url = await listen(createTcpServer((socket) => socket.destroy()));
    expect(await bothProbes(url)).toEqual([{ kind: 'reset' }, { kind: 'reset' }]);
  });

  test('a process that hangs: timeout, and no probe lasts longer than it may (X16)', async () => {
    const url = await listen(createTcpServer(() => undefined));
    expect(await bothProbes(url, 50)).toEqual([{ kind: 'timeout' }, { kind: 'timeout' }]);
  });

  test('another program, whatever it answers on every path (S21)', async () => {
    const url = await answering((_request, response) => response.end('<html>welcome</html>'));
    expect(await bothProbes(url)).toEqual([
      { kind: 'other', status: 200 },
      { kind: 'not-upgraded', status: 200 },
    ]);
  });

  test('a page is one that a browser would show; another answer is none, and a fault is told as it is', async () => {
    const fake = await startFakeGateway();
    ends.push(() => fake.close());
    const bare = await startFakeGateway({ controlUi: false });
    ends.push(() => bare.close());
    const moved = await answering((_request, response) => {
      response.writeHead(302, { location: '/login' }).end();
    });
    const pageAt = (url: URL): Promise<unknown> => probePage({ url, clock, timeoutMs });
    const httpOf = ({ endpoint }: { endpoint: string }): URL =>
      new URL(endpoint.replace('ws:', 'http:'));
    expect(await pageAt(httpOf(fake))).toEqual({ kind: 'page' });
    expect(await pageAt(httpOf(bare))).toEqual({ kind: 'none', status: 404 });
    expect(await pageAt(moved)).toEqual({ kind: 'none', status: 302 });
    await bare.crash();
    expect(await pageAt(httpOf(bare))).toEqual({ kind: 'refused' });
  });

  test('a proxy’s own answer: its status (X06)', async () => {
    const url = await answering((_request, response) => response.writeHead(502).end());
    expect(await bothProbes(url)).toEqual([
      { kind: 'other', status: 502 },
      { kind: 'not-upgraded', status: 502 },
    ]);
  });

  test('a page without end is not read to its end', async () => {
    const url = await answering((_request, response) => {
      const more = (): void => {
        if (!response.destroyed && response.write('x'.repeat(16_384))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    expect(await probeHttp({ url, clock, timeoutMs })).toEqual({ kind: 'other', status: 200 });
  });

  test('a WebSocket that is no gateway’s: silent', async () => {
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(sockets, 'listening');
    ends.push(() => sockets.close());
    const url = new URL(`http://127.0.0.1:${(sockets.address() as AddressInfo).port}`);
    expect(await probeSocket({ url, origin: ORIGIN, timeoutMs: 100 })).toEqual({ kind: 'silent' });
  });

  test('a gateway: its uptime, and what it says to pages of each origin', async () => {
    const fake = await startFakeGateway({ allowedOrigins: [ORIGIN] });
    ends.push(() => fake.close());
    expect(await bothProbes(new URL(fake.endpoint.replace('ws', 'http')))).toMatchObject([
      { kind: 'gateway', ready: true },
      { kind: 'gateway', isOriginAccepted: true },
    ]);
  });

  test('a name that nobody has: unresolved', async () => {
    const url = new URL('http://no-such-host.invalid');
    expect(await probeHttp({ url, clock, timeoutMs })).toEqual({ kind: 'unresolved' });
  });
});

describe('a certificate (S09)', () => {
  const dir = tempDir('dash-certificate-');
  const file = (name: string): string => join(dir.path, name);
  beforeAll(() => {
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const subject = [
      '-days',
      '30',
      '-subj',
      '/CN=gw1.test',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    ];
    const files = ['-keyout', file('key.pem'), '-out', file('cert.pem')];
    execFileSync('openssl', [...args, ...subject, ...files], { stdio: 'ignore' });
  });
  afterAll(() => dir[Symbol.dispose]());

  test('that nobody signed is refused by the probes, shown with its fingerprint, and sent nothing', async () => {
    const requests: string[] = [];
    const server = createHttpsServer(
      { key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) },
      (request, response) => {
        requests.push(request.url ?? '');
        response.end('{"ready":true,"failing":[],"uptimeMs":1}');
      },
    );
    const url = await listen(server);
    url.protocol = 'https:';
    expect(await bothProbes(url)).toEqual([
      { kind: 'certificate', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      { kind: 'certificate', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    ]);
    const seen = await probeCertificate({ url, timeoutMs });
    expect(seen).toMatchObject({
      kind: 'presented',
      distrust: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      certificate: { fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/) },
    });
    expect(requests).toEqual([]);
    expect(await probeHttp({ url, clock, timeoutMs, trustAny: true })).toMatchObject({
      kind: 'gateway',
    });
  });

  test('of somebody who speaks no TLS, or is not there, is not made up', async () => {
    const plain = await answering((_request, response) => response.end());
    const url = new URL(plain);
    url.protocol = 'https:';
    expect((await probeCertificate({ url, timeoutMs })).kind).not.toBe('presented');
    const hung = await listen(createTcpServer(() => undefined));
    hung.protocol = 'https:';
    expect(await probeCertificate({ url: hung, timeoutMs: 50 })).toEqual({ kind: 'timeout' });
  });
});

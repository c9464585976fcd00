import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  observeChain,
  type ForwardsSeen,
  type ObserveOptions,
} from '../../../src/dashboard/observe-chain.ts';
import {
  buildChain,
  type ChainHints,
  type DashboardChain,
} from '../../../src/domain/dashboard-chain/contract.ts';
import { diagnose } from '../../../src/domain/dashboard-chain/diagnose.ts';
import type { LinkVerdict } from '../../../src/domain/dashboard-chain/link.ts';
import {
  startFakeGateway,
  type FakeGateway,
} from '../../../src/gateway/fake-gateway/fake-gateway.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

const ends: (() => unknown)[] = [];
let gateway: FakeGateway;
beforeEach(async () => {
  gateway = await startFakeGateway();
  ends.push(() => gateway.close());
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

function chainOf(changes: Partial<ChainHints> = {}): DashboardChain {
  return buildChain({
    gatewayPort: gateway.port,
    accessUrl: null,
    port: null,
    isProxied: false,
    bind: null,
    wslAddress: null,
    otherOrigins: [],
    otherForwards: [],
    isForwarded: false,
    ...changes,
  });
}

async function verdictOf(
  chain: DashboardChain,
  changes: Partial<ObserveOptions> = {},
): Promise<Record<string, unknown>> {
  const seen = await observeChain({
    chain,
    forwards: null,
    configuredOrigins: async () => [],
    pinnedFingerprint: null,
    timeoutMs: 2_000,
    holdMs: 0,
    clock: systemClock(),
    ...changes,
  });
  const verdict = diagnose(chain, seen, {
    planned: null,
    startedMsAgo: null,
    pinnedFingerprint: null,
    placedOrigins: [],
  });
  return Object.fromEntries(Object.entries(verdict).map(([link, one]) => [link, word(one)]));
}

function word(link: LinkVerdict): string {
  return link.state === 'broken' || link.state === 'degraded' ? link.reason : link.state;
}

const OWN: ForwardsSeen = {
  listener: async () => ({ kind: 'own', bind: '127.0.0.1' }),
  askDirectly: async () => null,
};

/** A reverse proxy that answers for the access URL of a chain; `upgrade`: what it does with one. */
async function withProxy(upgrade: 'pass' | 'drop' | 'cut'): Promise<DashboardChain> {
  const server: Server = createServer((incoming, outgoing) => {
    const asked = request(
      { port: gateway.port, host: '127.0.0.1', path: incoming.url ?? '/' },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    asked.on('error', () => outgoing.writeHead(502).end());
    asked.end();
  });
  if (upgrade !== 'drop') {
    server.on('upgrade', (incoming, socket, head) => {
      const inner = connect(gateway.port, '127.0.0.1');
      const lines = incoming.rawHeaders.flatMap((name, index, all) =>
        index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : [],
      );
      inner.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      inner.write(head);
      inner.pipe(socket).pipe(inner);
      inner.on('error', () => socket.destroy());
      socket.on('error', () => inner.destroy());
      if (upgrade === 'cut') setTimeout(() => socket.destroy(), 50);
      ends.push(() => inner.destroy());
    });
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { ...chainOf(), accessUrl: `http://127.0.0.1:${port}`, isExternal: true };
}

const WELL = { gateway: 'ok', forward: 'ok', cors: 'ok', external: 'ok' };

describe('a chain is looked at as people use it, and nothing is touched (R60, S21)', () => {
  test('a gateway on this machine: all well, without a credential', async () => {
    expect(await verdictOf(chainOf())).toEqual(WELL);
    const frames = gateway.log
      .entries()
      .flatMap((entry) =>
        entry.kind === 'frame' && entry.direction === 'in' ? [entry.frame] : [],
      );
    const methods = frames.map((frame) => (frame as { method?: string }).method);
    expect(new Set(methods)).toEqual(new Set(['connect']));
    expect(JSON.stringify(frames)).not.toContain(gateway.token);
  });

  test('an origin that the gateway does not let in (S02, S07)', async () => {
    const chain = chainOf({ otherOrigins: [new URL('https://ui.example')] });
    expect(await verdictOf(chain)).toEqual({ ...WELL, cors: 'cors-origin-refused' });
    expect(
      await verdictOf(chain, { configuredOrigins: async () => ['https://ui.example'] }),
    ).toEqual({
      ...WELL,
      cors: 'cors-origins-not-effective',
    });
  });

  test('behind a forward: through it, and the gateway with it', async () => {
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: gateway.port });
    ends.push(() => proxy.close());
    const chain = chainOf({ isForwarded: true, port: proxy.port });
    expect(await verdictOf(chain, { forwards: OWN })).toEqual(WELL);
    await gateway.crash();
    expect(await verdictOf(chain, { forwards: OWN })).toMatchObject({
      gateway: 'unknown',
      forward: 'forward-wrong-target',
    });
  });

  test.each([
    ['rejects', () => Promise.reject(new Error('exit 1'))],
    ['hangs', () => new Promise<never>(() => undefined)],
    [
      'throws at once',
      () => {
        throw new Error('no such program');
      },
    ],
  ])(
    'an adapter that %s is not believed: the gateway answers, and that counts (X08, X16)',
    async (_how, fails) => {
      const chain = chainOf({ isForwarded: true });
      const forwards: ForwardsSeen = { listener: fails, askDirectly: fails };
      const options = { forwards, configuredOrigins: fails, timeoutMs: 500 };
      expect(await verdictOf(chain, options)).toEqual(WELL);
      await gateway.crash();
      const gone = await verdictOf(chain, options);
      expect(gone).toMatchObject({ gateway: 'unknown', forward: 'forward-no-listener' });
    },
  );

  test.each([
    ['pass', 'ok'],
    ['drop', 'external-no-upgrade'],
    ['cut', 'external-idle-cut'],
  ] as const)(
    'through a reverse proxy that may %s sockets: %s (S19, X06)',
    async (upgrade, external) => {
      const chain = await withProxy(upgrade);
      expect(await verdictOf(chain, { holdMs: 300 })).toEqual({ ...WELL, external });
    },
  );
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  buildChain,
  isLoopback,
  readAccessUrl,
  type ChainHints,
} from '../../../src/domain/dashboard-chain/contract.ts';

const LOCAL: ChainHints = {
  gatewayPort: 18_789,
  accessUrl: null,
  port: null,
  isProxied: false,
  bind: null,
  wslAddress: null,
  otherOrigins: [],
  otherForwards: [],
  isForwarded: false,
};

const url = (text: string): URL => {
  const found = readAccessUrl(text);
  if (found === null) throw new Error(`${text} is no URL`);
  return found;
};

describe('the chain of a dashboard, from its hints (R59)', () => {
  test('on the machine itself: loopback by both of its names, no forward, nothing outside', () => {
    expect(buildChain(LOCAL)).toEqual({
      accessUrl: 'http://127.0.0.1:18789',
      fallbackUrls: [],
      origins: ['http://127.0.0.1:18789', 'http://localhost:18789'],
      gatewayPort: 18_789,
      port: 18_789,
      bind: '127.0.0.1',
      forwards: [],
      isExternal: false,
      canIdentifyDevices: true,
    });
  });

  test('a custom port is where the forward listens, and the gateway keeps its own (S12)', () => {
    const chain = buildChain({ ...LOCAL, isForwarded: true, accessUrl: url('localhost:19000') });
    expect(chain).toMatchObject({ port: 19_000, accessUrl: 'http://127.0.0.1:19000' });
    expect(chain.forwards).toEqual([
      { name: 'dashboard', bind: '127.0.0.1', port: 19_000, targetPort: 18_789 },
    ]);
  });

  test('opened from another machine without a proxy: every address listens, and devices cannot identify themselves over plain HTTP (S04)', () => {
    const chain = buildChain({ ...LOCAL, isForwarded: true, accessUrl: url('box.example') });
    expect(chain).toMatchObject({
      accessUrl: 'http://box.example:18789',
      fallbackUrls: ['http://127.0.0.1:18789'],
      bind: '0.0.0.0',
      isExternal: true,
      canIdentifyDevices: false,
    });
    expect(chain.origins).toContain('http://box.example:18789');
  });

  test('behind a reverse proxy: loopback is enough, the port of the URL is the proxy’s, and its origin counts with and without it (S19)', () => {
    const chain = buildChain({
      ...LOCAL,
      isForwarded: true,
      accessUrl: url('https://agents.example:18789/'),
    });
    expect(chain).toMatchObject({
      accessUrl: 'https://agents.example:18789',
      port: 18_789,
      bind: '127.0.0.1',
      isExternal: true,
      canIdentifyDevices: true,
    });
    expect(chain.origins).toEqual([
      'http://127.0.0.1:18789',
      'http://localhost:18789',
      'https://agents.example:18789',
      'https://agents.example',
    ]);
    expect(buildChain({ ...LOCAL, accessUrl: url('https://agents.example') }).port).toBe(18_789);
  });

  test('under WSL: loopback stays first, the guest’s address is the way from Windows (S10)', () => {
    expect(buildChain({ ...LOCAL, isForwarded: true, wslAddress: '172.20.4.2' })).toMatchObject({
      accessUrl: 'http://127.0.0.1:18789',
      fallbackUrls: ['http://172.20.4.2:18789'],
      bind: '0.0.0.0',
      origins: ['http://127.0.0.1:18789', 'http://localhost:18789', 'http://172.20.4.2:18789'],
    });
  });

  test('a quick tunnel that gets another URL takes its old origin out and its new one in (X18)', () => {
    const origins = (text: string): readonly string[] =>
      buildChain({ ...LOCAL, accessUrl: url(text) }).origins;
    const before = origins('https://one.trycloudflare.com');
    const after = origins('https://two.trycloudflare.com');
    expect(before.filter((origin) => !after.includes(origin))).toEqual([
      'https://one.trycloudflare.com',
    ]);
    expect(after).toContain('https://two.trycloudflare.com');
  });

  test('a proxy on the machine itself keeps its URL with its path, and is a way of its own', () => {
    const chain = buildChain({ ...LOCAL, accessUrl: url('https://localhost:8443/ui') });
    expect(chain).toMatchObject({ accessUrl: 'https://localhost:8443/ui', isExternal: true });
    expect(chain.origins).toContain('https://localhost:8443');
  });

  test('a second UI and further ports are part of the same chain (S02, X15)', () => {
    const metrics = {
      name: 'metrics',
      bind: '127.0.0.1',
      port: 19_001,
      targetPort: 9_090,
    } as const;
    const chain = buildChain({
      ...LOCAL,
      isForwarded: true,
      otherOrigins: [url('http://127.0.0.1:3333/board?x=1')],
      otherForwards: [metrics],
    });
    expect(chain.origins.at(-1)).toBe('http://127.0.0.1:3333');
    expect(chain.forwards.map(({ name }) => name)).toEqual(['dashboard', 'metrics']);
  });

  test('a token that was copied with its URL goes no further (S15)', () => {
    for (const written of ['https://a.example/ui#token=S', 'https://a.example/ui?token=S'])
      expect(buildChain({ ...LOCAL, accessUrl: url(written) }).accessUrl).toBe(
        'https://a.example/ui',
      );
  });

  test.each(['ftp://box', 'https://user:secret@box', 'http://', '::'])(
    '%s is not where a dashboard can be opened',
    (text) => expect(readAccessUrl(text)).toBeNull(),
  );

  test('whatever the hints: origins are exact, distinct and never *, the access URL is among them and carries no credential', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const host = fc.constantFrom(
      'localhost',
      '127.0.0.5',
      'box',
      'box.example',
      '10.1.2.3',
      '[::1]',
    );
    const access = fc
      .tuple(fc.constantFrom('http', 'https'), host, fc.option(port))
      .map(([scheme, name, at]) => url(`${scheme}://${name}${at === null ? '' : `:${at}`}/`));
    const hints: fc.Arbitrary<ChainHints> = fc.record({
      gatewayPort: port,
      accessUrl: fc.option(access),
      port: fc.option(port),
      isProxied: fc.boolean(),
      bind: fc.option(fc.constantFrom('127.0.0.1' as const, '0.0.0.0' as const)),
      wslAddress: fc.option(fc.constantFrom('172.20.4.2', 'fe80::1')),
      otherOrigins: fc.array(access, { maxLength: 3 }),
      otherForwards: fc.constant([]),
      isForwarded: fc.boolean(),
    });
    fc.assert(
      fc.property(hints, (given) => {
        const chain = buildChain(given);
        for (const origin of chain.origins) expect(new URL(origin).origin).toBe(origin);
        expect(new Set(chain.origins).size).toBe(chain.origins.length);
        expect(chain.origins).toContain(new URL(chain.accessUrl).origin);
        for (const fallback of chain.fallbackUrls)
          expect(chain.origins).toContain(new URL(fallback).origin);
        expect(chain.accessUrl).not.toMatch(/@|#/);
        if (!chain.isExternal) expect(isLoopback(new URL(chain.accessUrl))).toBe(true);
        if (!given.isForwarded) expect(chain.port).toBe(given.gatewayPort);
        else if (given.port !== null) expect(chain.port).toBe(given.port);
      }),
      { numRuns: 1_000 },
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import { buildChain } from '../../../src/domain/dashboard-chain/contract.ts';
import {
  diagnose,
  START_GRACE_MS,
  type Circumstances,
} from '../../../src/domain/dashboard-chain/diagnose.ts';
import type { ChainVerdict } from '../../../src/domain/dashboard-chain/link.ts';
import type {
  ChainObservation,
  ExternalSeen,
  ForwardSeen,
  HttpSeen,
  SocketSeen,
} from '../../../src/domain/dashboard-chain/observation.ts';

/** What is seen of a chain in which all is well: a gateway behind a forward behind a proxy. */
const chain = buildChain({
  gatewayPort: 18_789,
  accessUrl: new URL('https://agents.example'),
  port: 19_000,
  isProxied: true,
  bind: null,
  wslAddress: null,
  otherOrigins: [],
  otherForwards: [{ name: 'metrics', bind: '127.0.0.1', port: 19_001, targetPort: 9_090 }],
  isForwarded: true,
});
const atMs = Date.parse('2026-11-23T05:00:00Z');
const gateway: HttpSeen = { kind: 'gateway', ready: true, failing: [], bootedAtMs: 1_000 };
const accepted: SocketSeen = {
  kind: 'gateway',
  isOriginAccepted: true,
  code: 'AUTH_TOKEN_MISSING',
};
const refusedOrigin: SocketSeen = {
  kind: 'gateway',
  isOriginAccepted: false,
  code: 'CONTROL_UI_ORIGIN_NOT_ALLOWED',
};
const tunnel: ForwardSeen = {
  name: 'dashboard',
  listener: { kind: 'own', bind: '127.0.0.1' },
  http: { ...gateway, bootedAtMs: 1_004 },
};
const metrics: ForwardSeen = { ...tunnel, name: 'metrics', http: { kind: 'other', status: 200 } };
const outside: ExternalSeen = {
  http: { ...gateway, bootedAtMs: 1_010 },
  socket: accepted,
  certificate: { fingerprint: 'AA', validUntilMs: Date.parse('2027-11-23T00:00:00Z') },
  cutAfterMs: null,
};
const well: ChainObservation = {
  atMs,
  direct: gateway,
  page: { kind: 'page' },
  forwards: [tunnel, metrics],
  configuredOrigins: chain.origins,
  origins: chain.origins.map((origin) => ({ origin, socket: accepted })),
  external: outside,
};
const usual: Circumstances = {
  planned: null,
  startedMsAgo: 3_600_000,
  placedOrigins: [],
  pinnedFingerprint: null,
};

const withForward = (http: HttpSeen, listener: ForwardSeen['listener'] = tunnel.listener) => ({
  forwards: [{ ...tunnel, http, listener }, metrics],
});
const withExternal = (changes: Partial<ExternalSeen>) => ({ external: { ...outside, ...changes } });

/** `ok`, the reason of a fault, or of what is unknown the link that it waits for. */
function words(verdict: ChainVerdict): Record<string, string> {
  return Object.fromEntries(
    Object.entries(verdict).map(([name, link]) => {
      if (link.state === 'broken' || link.state === 'degraded') return [name, link.reason];
      if (link.state === 'unknown') return [name, `unknown:${link.behind ?? ''}`];
      return [name, link.state];
    }),
  );
}

function found(
  changes: Partial<ChainObservation>,
  circumstances: Partial<Circumstances> = {},
): Record<string, string> {
  const verdict = diagnose(chain, { ...well, ...changes }, { ...usual, ...circumstances });
  return Object.fromEntries(Object.entries(words(verdict)).filter(([, word]) => word !== 'ok'));
}

test('a gateway that is ready and serves no page has no dashboard; what could not be asked says nothing', () => {
  expect(found({ page: { kind: 'none', status: 404 } })).toMatchObject({
    gateway: 'gateway-no-dashboard',
  });
  expect(found({ page: { kind: 'timeout' } })).toEqual({});
});

test('an origin that Dash has left, and a list that is open to all, are weak and no outage; what others have put there is theirs (X18)', () => {
  const left = 'https://old-tunnel.example';
  const configuredOrigins = [...chain.origins, left];
  expect(found({ configuredOrigins }, { placedOrigins: [left] })).toEqual({
    cors: 'cors-origin-left-over',
  });
  expect(found({ configuredOrigins })).toEqual({});
  expect(found({}, { placedOrigins: [left] })).toEqual({});
  expect(found({ configuredOrigins: ['*'] })).toEqual({ cors: 'cors-open-to-all' });
});

describe('what was seen names the link that is broken (R60)', () => {
  test('of a chain in which all is well, nothing', () => {
    expect(found({})).toEqual({});
  });

  const table: readonly [string, Partial<ChainObservation>, Record<string, string>][] = [
    [
      'gateway and forward gone, as after a reboot (S01, S16)',
      { direct: { kind: 'refused' }, ...withForward({ kind: 'refused' }, { kind: 'none' }) },
      {
        gateway: 'gateway-not-listening',
        forward: 'forward-no-listener',
        cors: 'unknown:gateway',
        external: 'unknown:gateway',
      },
    ],
    [
      'no forward at all (S03)',
      {
        ...withForward({ kind: 'refused' }, { kind: 'none' }),
        ...withExternal({ http: { kind: 'other', status: 502 } }),
      },
      { forward: 'forward-no-listener', cors: 'unknown:forward', external: 'unknown:forward' },
    ],
    [
      'a forward that listens elsewhere than people come from (S04, S05)',
      withForward(tunnel.http, { kind: 'own', bind: '0.0.0.0' }),
      { forward: 'forward-wrong-bind', cors: 'unknown:forward', external: 'unknown:forward' },
    ],
    [
      'another program on our port, whatever it answers (S06, S14, S21, X01)',
      withForward({ kind: 'other', status: 200 }, { kind: 'foreign', owner: 'python3 (4711)' }),
      { forward: 'forward-foreign-listener', cors: 'unknown:forward', external: 'unknown:forward' },
    ],
    [
      'a forward to a port where nobody listens, beside a gateway that is well (S12)',
      withForward({ kind: 'reset' }),
      { forward: 'forward-wrong-target', cors: 'unknown:forward', external: 'unknown:forward' },
    ],
    [
      'a gateway that is gone behind a forward that stands',
      { direct: { kind: 'refused' }, ...withForward({ kind: 'reset' }) },
      {
        gateway: 'gateway-not-listening',
        forward: 'unknown:gateway',
        cors: 'unknown:gateway',
        external: 'unknown:gateway',
      },
    ],
    [
      'a forward that carries to nobody, where the gateway cannot be asked past it: its own way first',
      { direct: null, ...withForward({ kind: 'reset' }) },
      {
        gateway: 'unknown:',
        forward: 'forward-wrong-target',
        cors: 'unknown:gateway',
        external: 'unknown:gateway',
      },
    ],
    [
      'a gateway that takes connections and never answers (X02)',
      { direct: { kind: 'timeout' }, ...withForward({ kind: 'timeout' }) },
      {
        gateway: 'gateway-hung',
        forward: 'unknown:gateway',
        cors: 'unknown:gateway',
        external: 'unknown:gateway',
      },
    ],
    [
      'a forward that takes connections and never answers',
      withForward({ kind: 'timeout' }),
      { forward: 'forward-hung', cors: 'unknown:forward', external: 'unknown:forward' },
    ],
    [
      'another program in the gateway’s own place (S14)',
      { direct: { kind: 'other', status: 404 }, ...withForward({ kind: 'other', status: 404 }) },
      {
        gateway: 'gateway-foreign-answer',
        forward: 'unknown:gateway',
        cors: 'unknown:gateway',
        external: 'unknown:gateway',
      },
    ],
    [
      'our port leads to another gateway, which answers all too well (X13)',
      withForward({ ...gateway, bootedAtMs: 9_000 }),
      { forward: 'forward-crossed', cors: 'unknown:forward', external: 'unknown:forward' },
    ],
    [
      'a further forward that is gone (X15)',
      { forwards: [tunnel, { ...metrics, listener: { kind: 'none' }, http: { kind: 'refused' } }] },
      { forward: 'forward-no-listener' },
    ],
    [
      'an origin that the gateway does not let in (S02, S07, S19)',
      {
        configuredOrigins: ['http://127.0.0.1:19000'],
        origins: well.origins.map((one, index) =>
          index === 2 ? { ...one, socket: refusedOrigin } : one,
        ),
      },
      { cors: 'cors-origin-refused' },
    ],
    [
      'an origin that stands in the file and is refused all the same (X05)',
      { origins: well.origins.map((one) => ({ ...one, socket: refusedOrigin })) },
      { cors: 'cors-origins-not-effective' },
    ],
    [
      'a proxy that asks for its own password (X06)',
      withExternal({
        http: { kind: 'other', status: 401 },
        socket: { kind: 'not-upgraded', status: 401 },
      }),
      { external: 'external-proxy-auth' },
    ],
    [
      'a proxy that does not pass the upgrade on (X06, S19)',
      withExternal({ socket: { kind: 'not-upgraded', status: 200 } }),
      { external: 'external-no-upgrade' },
    ],
    [
      'a proxy whose upstream is down beside links that are well',
      withExternal({ http: { kind: 'other', status: 502 } }),
      { external: 'external-upstream-down' },
    ],
    [
      'a proxy that cuts idle sockets (S19)',
      withExternal({ cutAfterMs: 5_000 }),
      { external: 'external-idle-cut' },
    ],
    [
      'a certificate that is not trusted (S09)',
      withExternal({
        http: { kind: 'certificate', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
        certificate: null,
      }),
      { external: 'external-certificate-refused' },
    ],
    [
      'a certificate that ends soon',
      withExternal({
        certificate: { fingerprint: 'AA', validUntilMs: Date.parse('2026-11-30T00:00:00Z') },
      }),
      { external: 'external-certificate-expires' },
    ],
    [
      'nobody at the public name',
      withExternal({ http: { kind: 'unresolved' } }),
      { external: 'external-unresolved' },
    ],
    [
      'a certificate that has ended, pinned or not',
      withExternal({ certificate: { fingerprint: 'AA', validUntilMs: atMs } }),
      { external: 'external-certificate-expired' },
    ],
    [
      'a proxy that rewrites the origin, which the gateway then refuses',
      withExternal({ socket: refusedOrigin }),
      { external: 'external-origin-rewritten' },
    ],
    [
      'a proxy whose sockets come to nothing beside pages that come',
      withExternal({ socket: { kind: 'reset' } }),
      { external: 'external-socket-fails' },
    ],
    [
      'a public name that leads to another gateway (X13)',
      withExternal({ http: { ...gateway, bootedAtMs: 77_000 } }),
      { external: 'external-other-gateway' },
    ],
  ];

  test.each(table)('%s', (_name, changes, expected) => {
    expect(found(changes)).toEqual(expected);
  });

  test('a certificate other than the one that was trusted, whatever it answers (S09)', () => {
    expect(found({}, { pinnedFingerprint: 'BB' })).toEqual({
      external: 'external-certificate-changed',
    });
  });
});

describe('what is no fault is none (R60)', () => {
  test('a gateway that answers 401 on its own loopback lives, and nowhere else (R60, S17)', () => {
    const unauthorized = { kind: 'other', status: 401 } as const;
    expect(found({ direct: unauthorized })).toEqual({});
    expect(found(withForward(unauthorized))).toMatchObject({ forward: 'forward-wrong-target' });
  });

  test('whoever listens, a port that shows our gateway is the way to it (X07)', () => {
    expect(found(withForward(tunnel.http, { kind: 'foreign', owner: 'ssh (12)' }))).toEqual({});
    expect(found(withForward(tunnel.http, { kind: 'unknown', detail: 'no row' }))).toEqual({});
  });

  test('a probe that came to nothing is unknown, never down (X16)', () => {
    const blind = { kind: 'unknown', detail: 'the probe was cut off' } as const;
    const seen = found({ direct: blind, ...withForward(blind) });
    expect(seen).toMatchObject({ gateway: 'unknown:', forward: 'unknown:' });
    expect(Object.values(seen).every((word) => word.startsWith('unknown'))).toBe(true);
  });

  test('a gateway that answers through its own forward lives, whatever hangs on the way past it (R61)', () => {
    for (const kind of ['timeout', 'reset', 'unresolved'] as const)
      expect(found({ direct: { kind } })).toEqual({});
  });

  test('while a gateway starts nothing is wrong with what waits for it (X14)', () => {
    const during = { startedMsAgo: 8_000 };
    const proxied = withExternal({ http: { kind: 'other', status: 502 } });
    const silent = { direct: { kind: 'timeout' } as const, ...withForward({ kind: 'timeout' }) };
    for (const changes of [{ ...silent, ...proxied }, { direct: { ...gateway, ready: false } }]) {
      const words = Object.values(found(changes, during));
      expect(words[0]).toBe('gateway-starting');
      expect(words.slice(1).every((word) => word.startsWith('unknown:'))).toBe(true);
    }
  });

  test('within its start-up grace a gateway is starting, and past it it is down (X14)', () => {
    const gone = { direct: { kind: 'refused' } as const, ...withForward({ kind: 'reset' }) };
    expect(found(gone, { startedMsAgo: START_GRACE_MS - 1 })['gateway']).toBe('gateway-starting');
    expect(found(gone, { startedMsAgo: START_GRACE_MS })['gateway']).toBe('gateway-not-listening');
  });

  test('what is down by plan is expected on every link, with the plan’s words (architecture 8)', () => {
    const verdict = diagnose(
      chain,
      { ...well, direct: { kind: 'refused' } },
      { ...usual, planned: 'drained by ann' },
    );
    expect(Object.values(verdict)).toEqual(
      Array.from({ length: 4 }, () => ({ state: 'expected', because: 'drained by ann' })),
    );
  });
});

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  chooseBasePort,
  PORTS_APART,
  profileConflicts,
  type GatewayProfile,
} from '../../src/domain/gateway-profile.ts';

const own = (gatewayId: string, port: number, hasBrowser = false): GatewayProfile => ({
  gatewayId,
  hostId: 'host-1',
  stateDir: `/data/${gatewayId}/state`,
  configPath: `/data/${gatewayId}/openclaw.json`,
  workspaceDir: `/data/${gatewayId}/workspace`,
  port,
  hasBrowser,
});

test('ten to fifty gateways that take their ports one after the other share nothing, and a range that is full says so (R19)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 10, maxLength: 50 }),
      fc.integer({ min: 200, max: 6_000 }),
      (browsers, size) => {
        const range = { from: 20_000, to: 20_000 + size };
        const fleet: GatewayProfile[] = [];
        for (const [index, hasBrowser] of browsers.entries()) {
          const port = chooseBasePort(fleet, { ...range, hasBrowser });
          if (port === null) {
            const widest = (fleet.length + 1) * PORTS_APART.withBrowser * 2;
            expect(size).toBeLessThan(widest);
            continue;
          }
          expect(port).toBeGreaterThanOrEqual(range.from);
          expect(port).toBeLessThanOrEqual(range.to);
          fleet.push(own(`gw-${index}`, port, hasBrowser));
        }
        expect(profileConflicts(fleet)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

test('a port in the middle that is free is found, and whoever comes first does not matter', () => {
  const others = [own('a', 20_000), own('b', 20_060)];
  for (const given of [others, others.toReversed()]) {
    expect(chooseBasePort(given, { from: 20_000, to: 20_100, hasBrowser: false })).toBe(20_020);
    expect(chooseBasePort(given, { from: 20_000, to: 20_100, hasBrowser: true })).toBeNull();
  }
});

test('the ports above a base are ports too', () => {
  expect(chooseBasePort([], { from: 65_500, to: 65_535, hasBrowser: true })).toBeNull();
  expect(chooseBasePort([], { from: 65_516, to: 65_535, hasBrowser: false })).toBe(65_516);
  expect(chooseBasePort([], { from: 65_517, to: 65_535, hasBrowser: false })).toBeNull();
});

test('two gateways on one port, state directory, configuration or workspace are told, each with both names (R19)', () => {
  const a = own('a', 20_000);
  const b = { ...own('b', 20_019), stateDir: `${a.stateDir}/`, configPath: a.configPath };
  const c = { ...own('c', 20_100), workspaceDir: '/data/a/workspace/inner' };
  expect(profileConflicts([c, b, a])).toEqual([
    { what: 'state-dir', gateways: ['a', 'b'], detail: '/data/a/state' },
    { what: 'config', gateways: ['a', 'b'], detail: '/data/a/openclaw.json' },
    { what: 'port', gateways: ['a', 'b'], detail: '20000 and 20019' },
    { what: 'workspace', gateways: ['a', 'c'], detail: '/data/a/workspace/inner' },
  ]);
  const d = { ...own('d', 20_200), workspaceDir: `${a.stateDir}/agents` };
  expect(profileConflicts([a, d])).toEqual([
    { what: 'workspace', gateways: ['a', 'd'], detail: '/data/a/state/agents' },
  ]);
  expect(profileConflicts([a, { ...b, hostId: 'host-2' }])).toEqual([]);
});

test('a browser needs the ports above both (R19)', () => {
  const gap = PORTS_APART.withBrowser;
  expect(profileConflicts([own('a', 20_000, true), own('b', 20_000 + gap - 1)])).toHaveLength(1);
  expect(profileConflicts([own('a', 20_000, true), own('b', 20_000 + gap)])).toEqual([]);
});

import { expect, test } from '@jest/globals';
import { between, boundOf, readHistogram } from '../../../scripts/load/histogram.ts';
import { readOptions } from '../../../scripts/load/options.ts';
import { quantilesOf, slopeOf } from '../../../scripts/load/quantiles.ts';

test('quantiles are those of the sorted durations, and none of none', () => {
  const durations = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(quantilesOf(durations)).toEqual({
    count: 100,
    p50Ms: 51,
    p95Ms: 96,
    p99Ms: 100,
    maxMs: 100,
  });
  expect(quantilesOf([])).toMatchObject({ count: 0, p99Ms: 0 });
});

test('a slope is told from three points on, and not of one moment (R46)', () => {
  expect(
    slopeOf([
      [0, 10],
      [1, 12],
      [2, 14],
    ]),
  ).toBeCloseTo(2);
  expect(
    slopeOf([
      [0, 10],
      [1, 12],
    ]),
  ).toBeNull();
  expect(
    slopeOf([
      [1, 10],
      [1, 12],
      [1, 14],
    ]),
  ).toBeNull();
});

const metrics = (fast: number, all: number): string =>
  [
    '# HELP dash_claim_seconds Duration of a claim',
    `dash_claim_seconds_bucket{le="0.005",process="host"} ${fast}`,
    `dash_claim_seconds_bucket{le="0.01",process="host"} ${all}`,
    `dash_claim_seconds_bucket{le="+Inf",process="host"} ${all}`,
    `dash_claim_seconds_sum{process="host"} 1`,
    `dash_claim_seconds_count{process="host"} ${all}`,
  ].join('\n');

test('the bound under which 95 % of the claims lie is read from what came between two scrapes', () => {
  const before = readHistogram(metrics(100, 1_000), 'dash_claim_seconds');
  const after = readHistogram(metrics(196, 1_100), 'dash_claim_seconds');
  expect(boundOf(between(before, after), 0.95)).toBe(0.005);
  expect(boundOf(between(before, after), 0.97)).toBe(0.01);
  expect(boundOf(between(after, after), 0.95)).toBeNull();
});

test('the command line is read with its defaults, and a wrong one names what is allowed (G25)', () => {
  expect(readOptions(['--gateways', '50', '--soak', '10'])).toMatchObject({
    kind: 'options',
    options: { gateways: 50, lanes: 4, soakMinutes: 10, backlog: 0, json: null },
  });
  expect(readOptions(['--gateways', '51'])).toMatchObject({
    kind: 'wrong',
    problem: expect.stringContaining('from 1 to 50'),
  });
  expect(readOptions(['--frobnicate'])).toMatchObject({ kind: 'wrong' });
  expect(readOptions(['--help'])).toMatchObject({ kind: 'help' });
});

import { expect, test } from '@jest/globals';
import { judge, type Verdict } from '../../../scripts/load/judge.ts';
import { describeReport } from '../../../scripts/load/report.ts';
import type { LoadResult } from '../../../scripts/load/run-load.ts';

const series = (perSecond: number, p50Ms: number) => ({
  count: 400,
  inFlight: 20,
  p50Ms,
  p95Ms: p50Ms * 2,
  perSecond,
});
const quantiles = (ms: number) => ({ count: 60, p50Ms: ms, p95Ms: ms, p99Ms: ms, maxMs: ms });
const ledger = { historyEvents: 0, grpcCalls: 7, sqlStatements: 8, cpuMs: { api: 2 } };
const memory = { lastMb: 190, growthMbPerHour: 0.2 };
const peaks = (mb: number) => ({ api: mb, 'control worker': mb, 'gateway host': mb });

const held: LoadResult = {
  options: {
    gateways: 50,
    lanes: 4,
    count: 400,
    seconds: 15,
    soakMinutes: 60,
    backlog: 100_000,
    json: null,
    report: null,
  },
  seconds: 4_000,
  closedLoop: {
    one: { bare: series(30, 30), dash: series(25, 36), ack: quantiles(30) },
    saturated: {
      inFlight: 20,
      bare: series(40, 400),
      dash: series(37, 420),
      sessions: series(36, 430),
      ledger: { bare: ledger, dash: ledger },
    },
  },
  openLoop: [],
  order: {
    tasks: 400,
    claims: 400,
    inversions: 0,
    shareError: 0.01,
    weights: { gold: 3, silver: 1 },
  },
  deepQueue: {
    openTasks: 100_000,
    claims: 300,
    oneClaim: quantiles(9),
    fullClaim: quantiles(20),
    claimP95UpToMs: 100,
    reads: { tasks: quantiles(20) },
  },
  soak: { minutes: 60, load: {} as never },
  memory: { api: memory, 'control worker': memory, 'gateway host': memory },
  peakMb: peaks(200),
};

const missed = (result: LoadResult): string[] =>
  judge(result).flatMap((verdict) => (verdict.held === false ? [verdict.bound] : []));

test('a run that holds every bound is judged so (R46)', () => {
  expect(judge(held).map((verdict) => verdict.held)).not.toContain(false);
  expect(judge(held).map((verdict) => verdict.held)).not.toContain(null);
});

test('every bound is missed by the figure behind it, and by no other (G25)', () => {
  const { one, saturated } = held.closedLoop;
  const loop = (change: object): LoadResult => ({
    ...held,
    closedLoop: { ...held.closedLoop, ...change },
  });
  const spoiled: readonly LoadResult[] = [
    loop({ one: { ...one, ack: quantiles(37) } }),
    loop({ saturated: { ...saturated, dash: series(35, 400) } }),
    loop({ saturated: { ...saturated, sessions: series(35, 400) } }),
    { ...held, openLoop: [{ refused: 1 } as never] },
    { ...held, order: { ...held.order, inversions: 1 } },
    { ...held, order: { ...held.order, shareError: 0.06 } },
    { ...held, deepQueue: { ...held.deepQueue!, oneClaim: quantiles(10) } },
    { ...held, deepQueue: { ...held.deepQueue!, reads: { tasks: quantiles(50) } } },
    { ...held, peakMb: { ...peaks(200), api: 250 } },
    { ...held, memory: { ...held.memory, api: { ...memory, growthMbPerHour: 1 } } },
  ];
  const found = spoiled.map(missed);
  expect(found.map((bounds) => bounds.length)).toEqual(spoiled.map(() => 1));
  expect(found.flat()).toEqual(judge(held).map((verdict) => verdict.bound));
});

test('what a run was too small to tell is neither held nor missed (R46)', () => {
  const small: LoadResult = { ...held, deepQueue: null, soak: null };
  const untold = judge(small).filter((verdict: Verdict) => verdict.held === null);
  expect(untold).toHaveLength(4);
  expect(missed(small)).toEqual([]);
});

test('the report names the command, the machine and every verdict (R46)', () => {
  const text = describeReport({
    command: 'npm run load -- --gateways 50',
    machine: { cpus: 2, model: 'some processor', memoryGb: 24, node: 'v24' },
    result: { ...held, soak: null },
    verdicts: judge(held),
  });
  expect(text).toContain('npm run load -- --gateways 50');
  expect(text).toContain('2 cores');
  for (const { bound } of judge(held)) expect(text).toContain(bound);
});

/**
 * `npm run bench [-- --quick] [--json FILE]`: what Dash adds to bare Temporal on this machine, in one run. Prints
 * what it measured, whatever it is, and writes JSON; it asserts nothing.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startGround } from './ground.ts';
import { describeMachine } from './machine.ts';
import type { Series } from './measure.ts';
import { runBench, type BenchResult } from './run.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string', default: '.dash/bench.json' },
  },
});
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const ground = await startGround(process.env, { gateways: 10, lanes: 4 });
try {
  const sizes = values.quick ? { oneByOne: 15, atTwenty: 60 } : { oneByOne: 60, atTwenty: 400 };
  const result = await runBench(ground, sizes, say);
  const machine = describeMachine();
  const file = resolve(values.json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine, ...result }, null, 2)}\n`);
  process.stdout.write(`${describe(result)}\nJSON: ${file}\n`);
} finally {
  await ground.close();
}

function describe({ bare, dash, ratios }: BenchResult): string {
  const row = (name: string, { inFlight, count, p50Ms, p95Ms, perSecond }: Series): string =>
    [name, inFlight, count, p50Ms, p95Ms, perSecond]
      .map((cell) => String(cell).padStart(10))
      .join('');
  const cpu = Object.keys(dash.ledger.cpuMs).map(
    (name) =>
      `  ${name.padEnd(16)}${String(bare.ledger.cpuMs[name] ?? 0).padStart(10)}${String(dash.ledger.cpuMs[name]).padStart(10)}`,
  );
  return [
    ['', 'in flight', 'count', 'p50 ms', 'p95 ms', 'per s']
      .map((cell) => cell.padStart(10))
      .join(''),
    row('bare', bare.one),
    row('dash', dash.one),
    row('bare', bare.twenty),
    row('dash', dash.twenty),
    '',
    `throughput at 20 in flight: ${ratios.throughput} × bare (aim ≥ 0.9)`,
    `p50 latency at 1 in flight: ${ratios.latency} × bare (aim ≤ 1.3)`,
    '',
    'Each operation costs (20 in flight)',
    `  ${''.padEnd(16)}${'bare'.padStart(10)}${'dash'.padStart(10)}`,
    `  ${'history events'.padEnd(16)}${String(bare.ledger.historyEvents).padStart(10)}${String(dash.ledger.historyEvents).padStart(10)}`,
    `  ${'gRPC calls'.padEnd(16)}${String(bare.ledger.grpcCalls).padStart(10)}${String(dash.ledger.grpcCalls).padStart(10)}`,
    `  ${'SQL statements'.padEnd(16)}${String(bare.ledger.sqlStatements).padStart(10)}${String(dash.ledger.sqlStatements).padStart(10)}`,
    '  CPU ms',
    ...cpu,
  ].join('\n');
}

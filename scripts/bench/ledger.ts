import { readFileSync } from 'node:fs';
import type { Ground } from './ground.ts';
import { round } from './measure.ts';

/** What one task costs, apart from time: averages over a series. */
export interface Ledger {
  readonly historyEvents: number;
  /** Requests that Temporal's frontend served, polls included. */
  readonly grpcCalls: number;
  readonly sqlStatements: number;
  /** CPU milliseconds by process. */
  readonly cpuMs: Readonly<Record<string, number>>;
}

interface Reading {
  readonly grpcCalls: number;
  readonly sqlStatements: number;
  readonly cpuTicks: ReadonlyMap<string, number>;
}

const TICKS_PER_SECOND = 100;

/** Reads the counters now; the difference of two readings is what happened between them. */
export async function readCounters(ground: Ground): Promise<Reading> {
  return {
    grpcCalls: await frontendRequests(ground.metricsPort),
    sqlStatements: await statements(ground),
    cpuTicks: new Map(ground.processes.map(({ name, pid }) => [name, treeTicks(pid)])),
  };
}

export function ledgerOf(
  before: Reading,
  after: Reading,
  count: number,
  historyEvents: number,
): Ledger {
  const perTask = (total: number): number => round(total / count);
  const cpuMs = Object.fromEntries(
    [...after.cpuTicks].map(([name, ticks]) => [
      name,
      perTask(((ticks - (before.cpuTicks.get(name) ?? 0)) * 1_000) / TICKS_PER_SECOND),
    ]),
  );
  return {
    historyEvents,
    grpcCalls: perTask(after.grpcCalls - before.grpcCalls),
    sqlStatements: perTask(after.sqlStatements - before.sqlStatements),
    cpuMs,
  };
}

async function frontendRequests(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text
    .split('\n')
    .filter(
      (line) => line.startsWith('service_requests{') && line.includes('service_name="frontend"'),
    )
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Statements of everybody but this driver. */
async function statements({ db }: Ground): Promise<number> {
  const [row] = await db.rows<{ calls: number }>(
    `select coalesce(sum(calls), 0)::int as calls from pg_stat_statements
     where query not like '%pg_stat_statements%' and query not like '%read_events%'`,
  );
  return row?.calls ?? 0;
}

/** Of a process and its children (PostgreSQL works in children); of this driver without what it started. */
function treeTicks(pid: number): number {
  const own = ticksOf(pid);
  if (pid === process.pid) return own.live;
  const children = readText(`/proc/${pid}/task/${pid}/children`).trim();
  const living = children === '' ? [] : children.split(' ').map(Number);
  return living.reduce((sum, child) => sum + ticksOf(child).live, own.live + own.reaped);
}

function ticksOf(pid: number): { live: number; reaped: number } {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index] ?? 0);
  return { live: at(11) + at(12), reaped: at(13) + at(14) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { readOptions } from '../../../scripts/chaos/options.ts';
import { planStrikes } from '../../../scripts/chaos/strikes.ts';
import { openWitness } from '../../../scripts/chaos/witness.ts';
import { planWorkload } from '../../../scripts/chaos/workload.ts';
import { expandSwarm } from '../../../src/domain/swarm-expand.ts';
import { swarmSpecSchema } from '../../../src/domain/swarm-schema.ts';

test('one seed makes one workload and one list of strikes, another seed others', () => {
  const plan = (seed: number) => ({
    lines: planWorkload({ tasks: 100, seed }),
    strikes: planStrikes({ kills: 20, weather: 10, holdTimeoutMs: 3_000, seed }),
  });
  expect(plan(7)).toEqual(plan(7));
  expect(plan(8)).not.toEqual(plan(7));
});

test.each([10, 37, 100, 1_000])(
  'a workload of %d tasks has that many, all answers known',
  (tasks) => {
    const wishes = planWorkload({ tasks, seed: 3 }).flat();
    const sizes = wishes.map((wish) => {
      if (wish.kind === 'task') return 1;
      const nodes = expandSwarm(swarmSpecSchema.parse(wish.body)).map(({ id }) => id);
      expect(Object.keys(wish.answers).toSorted()).toEqual(nodes.toSorted());
      return nodes.length;
    });
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(tasks);
    expect(new Set(wishes.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(wishes.length);
  },
);

test('everything is killed and frozen, and all weather comes, once before any comes again (R47)', () => {
  const strikes = planStrikes({ kills: 12, weather: 6, holdTimeoutMs: 3_000, seed: 5 });
  expect(strikes.map(({ blow, kind }) => `${blow.act} ${kind}`).toSorted()).toEqual([
    ...['choke gateway', 'cut gateway'],
    ...['api', 'control', 'gateway', 'host', 'postgres', 'temporal'].map((k) => `freeze ${k}`),
    ...['api', 'control', 'host'].map((kind) => `jump ${kind}`),
    ...['api', 'control', 'gateway', 'host', 'postgres', 'temporal'].map((k) => `kill ${k}`),
    'slow gateway',
  ]);
});

test('clocks jump ahead and back, and a way is choked in each direction (R47)', () => {
  const blows = planStrikes({ kills: 0, weather: 60, holdTimeoutMs: 3_000, seed: 5 }).map(
    ({ blow }) => blow,
  );
  const jumps = blows.flatMap((blow) => (blow.act === 'jump' ? [blow.offsetMs] : []));
  expect([Math.min(...jumps) < -60_000, Math.max(...jumps) > 60_000]).toEqual([true, true]);
  const directions = blows.flatMap((blow) => (blow.act === 'choke' ? [blow.direction] : []));
  expect(new Set(directions)).toEqual(new Set(['to', 'from', 'both']));
});

test('the witness reads on where it stopped, also behind half an entry that a kill left', () => {
  const dir = mkdtempSync(join(tmpdir(), 'dash-witness-'));
  const path = join(dir, 'wire.jsonl');
  const line = (entry: object): string => `${JSON.stringify(entry)}\n`;
  const run = { bootId: 'b', runId: 't1-a1', sessionKey: 's', resumes: null };
  try {
    const witness = openWitness({ gatewayId: 'g1', lanes: 1, path });
    expect(witness.look()).toEqual([]);
    writeFileSync(
      path,
      line({ kind: 'run-start', atMs: 5, ...run }) + '{"kind":"frame","atMs":6,"fra',
    );
    expect(witness.look()).toMatchObject([{ kind: 'run-start', runId: 't1-a1' }]);
    appendFileSync(path, line({ kind: 'boot', atMs: 9, bootId: 'c' }));
    expect(witness.look().slice(1)).toEqual([{ kind: 'boot', atMs: 9, lastSignOfLifeMs: 5 }]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a wrong command line is answered with everything that is wrong', () => {
  const read = readOptions(['--tasks', 'many', '--kills', '-1']);
  expect(read.kind === 'wrong' ? read.problems.length : 0).toBeGreaterThan(0);
  expect(readOptions(['--tasks', 'many', '--hosts', '99'])).toMatchObject({
    kind: 'wrong',
    problems: [expect.stringContaining('--tasks'), expect.stringContaining('--hosts')],
  });
  expect(readOptions(['--seed', '3', '--json'])).toMatchObject({
    kind: 'options',
    options: { tasks: 100, kills: 5, weather: 3, seed: 3, json: true, report: null },
  });
  expect(readOptions(['--report', 'report.txt'])).toMatchObject({
    kind: 'wrong',
    problems: [expect.stringContaining('.md')],
  });
});

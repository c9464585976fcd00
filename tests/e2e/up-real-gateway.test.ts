import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { readAdminKey, readLocalInstance } from '../../cli/local-instance.ts';
import { startStubModel, type StubModel } from '../../src/gateway/stub-model.ts';
import { eventually } from '../support/eventually.ts';
import { openClawEntry } from '../support/real-gateway.ts';
import { callsOf, inMidRun, maxOverlap, modelGates } from '../support/real-witness.ts';
import { tempDir } from '../support/temp-dir.ts';
import { killEverything, startUp, UP, type UpProcess } from '../support/up-process.ts';

/** OpenClaw takes 10–15 s to start on an idle machine, and minutes on a busy one. */
const START_MS = 240_000;

/** The model lives outside of everything that is killed: it tells who asked it when, and who went away. */
const gates = modelGates();
let model: StubModel;
const started: UpProcess[] = [];

beforeAll(async () => {
  await openClawEntry();
  model = await startStubModel({ clock: gates.clock });
}, 300_000);
afterEach(() => {
  for (const launched of started.splice(0)) killEverything(launched);
});
afterAll(() => model?.close());

function up(dataDir: string, file: string): UpProcess {
  const env = { DASH_MODEL_BASE_URL: model.baseUrl, DASH_MODEL: 'stub-1' };
  const launched = startUp({ program: UP, dataDir, args: ['--first-swarm', file], env });
  started.push(launched);
  return launched;
}

const NODES = [
  { id: 'quick', prompt: '[[say:quick answer]]' },
  { id: 'steady', prompt: `${gates.behind(1)} [[say:steady answer]]` },
  { id: 'slow', prompt: `${gates.behind(2)} [[say:slow answer]]` },
  { id: 'last', dependsOn: ['quick', 'steady', 'slow'], prompt: '[[say:last answer]]' },
];

test('a real gateway: killed in the middle of a swarm, first the launcher, then everything at once, npm start again finishes it: at most one executing run per attempt, one answer per task, none lost; no child outlives the launcher by 10 s (R11, P37)', async () => {
  using dir = tempDir();
  const file = join(dir.path, 'swarm.json');
  writeFileSync(file, JSON.stringify({ name: 'killed', nodes: NODES }));

  const first = up(dir.path, file);
  await first.saysWithin('| quick answer', START_MS);
  await Promise.all(['slow answer', 'steady answer'].map((marker) => inMidRun(model, marker)));
  const killedAt = performance.now();
  first.kill('SIGKILL');
  await eventually(() => first.livingOfLaunch().length + first.guards().length === 0, {
    timeoutMs: 10_000,
    what: 'the end of every child',
  });
  const endedMs = performance.now() - killedAt;

  const second = up(dir.path, file);
  await second.saysWithin('Ready in', START_MS);
  const ready = /Ready in [^:]*/.exec(second.said())?.[0];
  await second.saysWithin('Going on with the unfinished swarm killed', START_MS);
  await Promise.all(['slow answer', 'steady answer'].map((marker) => inMidRun(model, marker)));
  gates.open(1);
  await second.saysWithin('| steady answer', START_MS);
  killEverything(second);
  await second.exited;

  const third = up(dir.path, file);
  await third.saysWithin('Going on with the unfinished swarm killed', START_MS);
  await inMidRun(model, 'slow answer');
  gates.open(2);
  await third.saysWithin(/^Stop\s/m, START_MS);
  expect(third.said()).toContain('4 of 4 tasks answered');
  expect(await storyOf(dir.path)).toEqual(
    NODES.map(({ id }) => ({
      id,
      state: 'completed',
      output: `${id} answer`,
      attempts: [{ outcome: 'succeeded', runs: 1, recoveries: RECOVERIES[id] }],
    })),
  );
  for (const { id } of NODES) {
    const calls = callsOf(model, `${id} answer`);
    const abandoned = Array.from({ length: RECOVERIES[id] ?? 0 }, () => 'abandoned');
    expect({ id, outcomes: calls.map(({ outcome }) => outcome) }).toEqual({
      id,
      outcomes: [...abandoned, 'answered'],
    });
    expect({ id, overlap: maxOverlap(calls) }).toEqual({ id, overlap: 1 });
  }
  third.kill('SIGINT');
  expect(await third.exited).toBe(0);
  expect([...third.livingOfLaunch(), ...third.guards()]).toEqual([]);
  process.stdout.write(
    `Measured: no child ${Math.round(endedMs)} ms after the launcher was killed; second start: ${ready}\n`,
  );
}, 900_000);

/** How often a turn was interrupted by a kill and resumed by its gateway. */
const RECOVERIES: Readonly<Record<string, number>> = { quick: 0, steady: 1, slow: 2, last: 0 };

interface Attempt {
  readonly outcome: string | null;
  readonly runIds: readonly string[];
  readonly recoveryRunIds: readonly string[];
}

interface Task {
  readonly id: string;
  readonly nodeId: string;
  readonly state: string;
  readonly output: string | null;
}

/** Every task that the running instance knows, with its attempts, in the order of the nodes. */
async function storyOf(dataDir: string): Promise<unknown[]> {
  const get = async <T>(path: string): Promise<T> => {
    const url = `${readLocalInstance(dataDir)?.apiUrl ?? ''}/api/v1/tasks${path}`;
    const authorization = `Bearer ${readAdminKey(dataDir) ?? ''}`;
    return (await fetch(url, { headers: { authorization } })).json() as T;
  };
  const { items } = await get<{ items: Pick<Task, 'id'>[] }>('?limit=100');
  const stories = items.map(async ({ id }) => {
    const { nodeId, state, output } = await get<Task>(`/${id}`);
    const attempts = await get<{ items: Attempt[] }>(`/${id}/attempts`);
    return {
      id: nodeId,
      state,
      output,
      attempts: attempts.items.map(({ outcome, runIds, recoveryRunIds }) => ({
        outcome,
        runs: runIds.length,
        recoveries: recoveryRunIds.length,
      })),
    };
  });
  const order = (id: string): number => NODES.findIndex((node) => node.id === id);
  return (await Promise.all(stories)).toSorted((a, b) => order(a.id) - order(b.id));
}

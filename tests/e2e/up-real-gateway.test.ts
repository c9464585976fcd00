import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { readAdminKey, readLocalInstance } from '../../cli/local-instance.ts';
import { startStubModel, type StubModel } from '../../src/gateway/stub-model.ts';
import { eventually } from '../support/eventually.ts';
import { openClawEntry } from '../support/real-gateway.ts';
import { callsOf, inMidRun, maxOverlap, modelGates, oneInMidRun } from '../support/real-witness.ts';
import { tempDir } from '../support/temp-dir.ts';
import {
  BUNDLED,
  killEverything,
  QUICK,
  startUp,
  UP,
  type UpProcess,
} from '../support/up-process.ts';

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
  const env = { DASH_MODEL_BASE_URL: model.baseUrl, DASH_MODEL: 'stub-1', ...QUICK, ...BUNDLED };
  const launched = startUp({ program: UP, dataDir, args: ['--first-swarm', file], env });
  started.push(launched);
  return launched;
}

/** Two turns that are under way when everything ends; each waits behind its own gate. */
const SLOW = ['left answer', 'right answer'];
const NODES = [
  { id: 'quick', prompt: '[[say:quick answer]]' },
  { id: 'left', prompt: `${gates.behind('left answer')} [[say:left answer]]` },
  { id: 'right', prompt: `${gates.behind('right answer')} [[say:right answer]]` },
  { id: 'last', dependsOn: ['quick', 'left', 'right'], prompt: '[[say:last answer]]' },
];

test('a real gateway: killed in the middle of a swarm, first the launcher, then everything at once, npm start again finishes it: at most one executing run per attempt, one answer per task, none lost; no child outlives the launcher by 10 s (R11, P37)', async () => {
  using dir = tempDir();
  const file = join(dir.path, 'swarm.json');
  writeFileSync(file, JSON.stringify({ name: 'killed', nodes: NODES }));

  const first = up(dir.path, file);
  await first.saysWithin('| quick answer', START_MS);
  await Promise.all(SLOW.map((answer) => inMidRun(model, answer)));
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
  const resumed = await oneInMidRun(model, SLOW);
  gates.open(resumed);
  await second.saysWithin(`| ${resumed}`, START_MS);
  const [interrupted = ''] = SLOW.filter((answer) => answer !== resumed);
  await inMidRun(model, interrupted);
  killEverything(second);
  await second.exited;

  const third = up(dir.path, file);
  await third.saysWithin('Going on with the unfinished swarm killed', START_MS);
  await inMidRun(model, interrupted);
  gates.open(interrupted);
  await third.saysWithin(/^Stop\s/m, START_MS);
  expect(third.said()).toContain('4 of 4 tasks answered');
  // How often each turn was interrupted by a kill, and so resumed by its gateway.
  const times = new Map([
    [resumed, 1],
    [interrupted, 2],
  ]);
  const stories = await storyOf(dir.path);
  expect(stories.map(({ id }) => id)).toEqual(NODES.map(({ id }) => id));
  for (const story of stories) {
    const answer = `${story.id} answer`;
    const recoveries = times.get(answer) ?? 0;
    expect(story).toEqual({
      id: story.id,
      state: 'completed',
      output: answer,
      attempts: [{ outcome: 'succeeded', runs: 1, isResumed: recoveries > 0 }],
    });
    const calls = callsOf(model, answer);
    expect(calls.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: recoveries }, () => 'abandoned'),
      'answered',
    ]);
    expect(maxOverlap(calls)).toBe(1);
  }
  third.kill('SIGINT');
  await third.endsWith(0);
  expect([...third.livingOfLaunch(), ...third.guards()]).toEqual([]);
  process.stdout.write(
    `Measured: no child ${Math.round(endedMs)} ms after the launcher was killed; second start: ${ready}\n`,
  );
}, 900_000);

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

interface Story extends Pick<Task, 'id' | 'state' | 'output'> {
  readonly attempts: readonly { outcome: string | null; runs: number; isResumed: boolean }[];
}

/** Every task that the running instance knows, by the id of its node, in the order of the nodes. */
async function storyOf(dataDir: string): Promise<Story[]> {
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
        // A second kill may come before the second recovery run is noted.
        isResumed: recoveryRunIds.length > 0,
      })),
    };
  });
  const order = (id: string): number => NODES.findIndex((node) => node.id === id);
  return (await Promise.all(stories)).toSorted((a, b) => order(a.id) - order(b.id));
}

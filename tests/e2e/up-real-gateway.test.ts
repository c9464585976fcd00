import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { openClawEntry } from '../support/real-gateway.ts';
import { tempDir } from '../support/temp-dir.ts';
import { callDashctl, killEverything, startUp, UP, type UpProcess } from '../support/up-process.ts';

/** OpenClaw takes 10–15 s to start on an idle machine, and minutes on a busy one. */
const START_MS = 240_000;

const started: UpProcess[] = [];
function up(dataDir: string, args: readonly string[]): UpProcess {
  const launched = startUp({ program: UP, dataDir, args });
  started.push(launched);
  return launched;
}
afterEach(() => {
  for (const launched of started.splice(0)) killEverything(launched);
});

interface Shown {
  readonly task: { readonly state: string; readonly output: string | null };
  readonly attempts: readonly {
    readonly outcome: string;
    readonly runIds: readonly string[];
    readonly recoveryRunIds: readonly string[];
  }[];
}

test('a real gateway: everything is killed in the middle of a swarm, npm start again finishes it, one attempt and one answer per task (R11)', async () => {
  await openClawEntry();
  using dir = tempDir();
  const file = join(dir.path, 'slow.yaml');
  const nodes = [
    { id: 'quick', prompt: '[[say:quick answer]]' },
    { id: 'slow', prompt: '[[sleep:20000]][[say:slow answer]]' },
    { id: 'last', dependsOn: ['quick', 'slow'], prompt: '[[say:last answer]]' },
  ];
  writeFileSync(file, JSON.stringify({ name: 'slow', nodes }));

  const first = up(dir.path, ['--first-swarm', file]);
  await first.saysWithin('quick answer', START_MS);
  // The model has been asked: the turn of the slow task stands in the gateway's transcript.
  await eventually(async () => (await show(dir.path, 'slow')).attempts[0]?.runIds.length === 1, {
    timeoutMs: 30_000,
    everyMs: 500,
  });
  killEverything(first);
  await first.exited;

  const second = up(dir.path, ['--first-swarm', file]);
  await second.saysWithin(/^Stop\s/m, 2 * START_MS);
  expect(second.said()).toContain('Going on with the unfinished swarm slow');
  expect(second.said()).toMatch(/slow {2}completed on local-1, attempt 1[^]*\| slow answer/);
  expect(second.said()).toContain('3 of 3 tasks answered');
  for (const { id } of nodes) {
    const { task, attempts } = await show(dir.path, id);
    expect({ id, state: task.state, output: task.output }).toEqual({
      id,
      state: 'completed',
      output: `${id} answer`,
    });
    expect({ id, outcomes: attempts.map(({ outcome }) => outcome) }).toEqual({
      id,
      outcomes: ['succeeded'],
    });
    expect(attempts[0]!.recoveryRunIds.length).toBe(id === 'slow' ? 1 : 0);
  }
  second.kill('SIGINT');
  expect(await second.exited).toBe(0);
}, 800_000);

/** A node's task with its attempts, through the API of the running instance. */
async function show(dataDir: string, nodeId: string): Promise<Shown> {
  const list = JSON.parse((await callDashctl(dataDir, ['task', 'list', '--json'])).stdout) as {
    items: { id: string; nodeId: string }[];
  };
  const id = list.items.find((item) => item.nodeId === nodeId)?.id ?? '';
  return JSON.parse((await callDashctl(dataDir, ['task', 'get', id, '--json'])).stdout) as Shown;
}

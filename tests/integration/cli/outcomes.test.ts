import { describe, expect, test } from '@jest/globals';
import { deadTask, indeterminateTask } from '../api/support/rows.ts';
import { withApi } from './support.ts';

const running = withApi();
const cli = (argv: string[]) => running().dashctl(argv);

describe('dashctl on work that did not end well', () => {
  test('lists and shows dead letters, replays one with edits, discards one with a note (R8, P30)', async () => {
    const [first, second] = [
      await deadTask(running().database.db),
      await deadTask(running().database.db),
    ];
    const list = await cli(['dead-letter', 'list', '--failure-class', 'permanent', '--json']);
    expect(list.json()).toMatchObject({ items: [{ taskId: second }, { taskId: first }] });
    expect((await cli(['dead-letter', 'get', first])).stdout).toMatch(/no such model[^]*failed/);
    const edits = ['--prompt', 'Another prompt', '--priority', 'low', '--max-attempts', '1'];
    const replayed = await cli(['task', 'replay', first, ...edits]);
    expect(replayed).toMatchObject({ exitCode: 0 });
    const task = await cli(['task', 'get', replayed.stdout.trim(), '--json']);
    expect(task.json()).toMatchObject({
      task: { replayOf: first, prompt: 'Another prompt', priority: 'low', maxAttempts: 1 },
    });
    await cli(['task', 'discard', second, '--note', 'done by hand']);
    expect((await cli(['dead-letter', 'list', '--json'])).json()).toMatchObject({ items: [] });
    const closed = await cli(['dead-letter', 'list', '--state', 'discarded', '--json']);
    expect(closed.json()).toMatchObject({ items: [{ taskId: second, note: 'done by hand' }] });
    expect(await cli(['dead-letter', 'list', '--reason', 'bad-luck'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('attempts'),
    });
    expect(await cli(['dead-letter', 'list', '--from', 'yesterday'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('query.from'),
    });
  });

  test('lists what waits for a decision and shows the evidence (P29)', async () => {
    expect(await cli(['decision', 'list'])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('Nothing waits'),
    });
    const { taskId, gatewayId } = await indeterminateTask(running().database.db);
    expect((await cli(['decision', 'list', '--json'])).json()).toMatchObject({
      items: [{ taskId, gatewayId, reason: 'vanished', decision: null }],
    });
    expect((await cli(['decision', 'get', taskId])).stdout).toMatch(
      /vanished[^]*"seen": "nothing"/,
    );
    await cli(['task', 'decide', taskId, 'discard']);
    expect((await cli(['decision', 'get', taskId])).stdout).toMatch(/discard by key:/);
  });
});

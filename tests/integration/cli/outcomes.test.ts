import { describe, expect, test } from '@jest/globals';
import { deadTask, indeterminateTask } from '../api/support/rows.ts';
import { stepBulk } from '../../../src/db/bulk-store.ts';
import { eventually } from '../../support/eventually.ts';
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

  test('replays and discards in bulk: says first which, then does it, and can be watched and ended (R8)', async () => {
    const { db } = running().database;
    const letters = [await deadTask(db), await deadTask(db)];
    expect(await cli(['dead-letter', 'replay'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--all'),
    });
    const filter = ['--reason', 'permanent', '--from', '2026-01-01T00:00:00Z'];
    const dry = await cli(['dead-letter', 'replay', ...filter, '--dry-run', '--json']);
    expect(dry.json()).toMatchObject({ dryRun: true, count: 2, sample: [{}, {}] });
    const nowhere = ['dead-letter', 'replay', ...filter, '--to-pool', 'nowhere'];
    expect(await cli(nowhere)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('body.edits.pool'),
    });
    const begun = await cli(['dead-letter', 'replay', ...filter, '--priority', 'low']);
    const bulkId = begun.stdout.trim();
    expect(running().said).toContain(`startBulk ${bulkId}`);
    const watched = cli(['dead-letter', 'discard', '--all', '--note', 'late', '--watch']);
    while ((await stepBulk(db, bulkId)).kind === 'stepped');
    const progress = await cli(['dead-letter', 'progress', bulkId, '--json']);
    expect(progress.json()).toMatchObject({ state: 'completed', done: 2, skipped: 0 });
    const discard = await eventually(() =>
      running().said.find((each) => each.startsWith('startBulk') && !each.endsWith(bulkId)),
    );
    await cli(['dead-letter', 'progress', discard.slice('startBulk '.length), '--cancel']);
    expect(await watched).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('cancelled'),
    });
    for (const taskId of letters) {
      const shown = await cli(['dead-letter', 'get', taskId, '--json']);
      expect(shown.json()).toMatchObject({ deadLetter: { state: 'replayed', bulkId } });
    }
    expect(await cli(['dead-letter', 'progress', 'bulk-none'])).toMatchObject({ exitCode: 5 });
  });

  test('sets a session apart, releases and moves it, and changes the policy (R3, R8)', async () => {
    await cli(['task', 'submit', '--prompt', 'p', '--session', 'talk']);
    expect(await cli(['session', 'quarantine', 'talk'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--reason'),
    });
    await cli(['session', 'quarantine', 'talk', '--reason', 'odd']);
    expect((await cli(['session', 'get', 'talk'])).stdout).toMatch(/by key:.*: odd[^]*blocked/);
    expect(await cli(['session', 'release', 'talk'])).toMatchObject({ exitCode: 0 });
    expect((await cli(['session', 'get', 'talk'])).stdout).toMatch(/set apart +no/);
    const nowhere = ['session', 'migrate', 'talk', '--gateway', 'none', '--reason', 'x'];
    expect(await cli(nowhere)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('body.gateway'),
    });
    expect(await cli(['session', 'release', 'nobody'])).toMatchObject({ exitCode: 5 });
    const changed = await cli(['policy', 'set', '--quarantine-after', 'none', '--json']);
    expect(changed.json()).toMatchObject({ quarantineAfter: null, decisionExpiryHours: null });
    expect((await cli(['policy', 'get'])).stdout).toContain('never by itself');
    expect(await cli(['policy', 'set', '--decision-expiry', '0'])).toMatchObject({ exitCode: 2 });
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

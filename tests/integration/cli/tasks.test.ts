import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { deadTask, indeterminateTask } from '../api/support/rows.ts';
import { withApi } from './support.ts';

const running = withApi();
const cli = (argv: string[], options?: Parameters<ReturnType<typeof running>['dashctl']>[1]) =>
  running().dashctl(argv, options);

describe('dashctl task against a real API', () => {
  test('submit prints the id alone; get and list show what was accepted', async () => {
    const submitted = await cli([
      'task',
      'submit',
      '--prompt',
      'Say hello',
      '--priority',
      'high',
      '--session',
      'talk',
    ]);
    expect(submitted).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\S+\n$/) });
    const id = submitted.stdout.trim();
    const got = await cli(['task', 'get', id]);
    expect(got).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Say hello') });
    const list = await cli(['task', 'list', '--session', 'talk', '--json']);
    expect(list.json()).toMatchObject({
      items: [{ id, priority: 'high', state: 'queued' }],
      nextCursor: null,
    });
    expect(await cli(['session', 'get', 'talk'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(id),
    });
    expect((await cli(['session', 'list', '--json'])).json()).toMatchObject({
      items: [{ key: 'talk', openTasks: 1 }],
    });
  });

  test('the same idempotency key answers the same task, with another body exit code 6 (R9)', async () => {
    const submit = (prompt: string) =>
      cli(['task', 'submit', '--prompt', prompt, '--idempotency-key', 'once']);
    const [first, second] = [await submit('a'), await submit('a')];
    expect(second).toMatchObject({ exitCode: 0, stdout: first.stdout });
    expect(await submit('b')).toMatchObject({
      exitCode: 6,
      stdout: '',
      stderr: expect.stringContaining('Idempotency-Key'),
    });
  });

  test('cancelling a waiting task ends it; --wait of the submitter sees it and exits 1 (P28)', async () => {
    const said: string[] = [];
    const waiting = cli([
      'task',
      'submit',
      '--prompt',
      'never run',
      '--wait',
      '--json',
      '--session',
      'cancelled-one',
    ]);
    const id = await eventually(async () => {
      const page = (await cli(['task', 'list', '--session', 'cancelled-one', '--json'])).json() as {
        items: { id: string }[];
      };
      return page.items[0]?.id;
    });
    said.push(id);
    expect(await cli(['task', 'cancel', id])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('cancelled'),
    });
    const waited = await waiting;
    expect(waited.exitCode).toBe(1);
    expect(waited.json()).toMatchObject({ task: { id, state: 'cancelled' }, attempts: [] });
    expect(await cli(['task', 'cancel', id])).toMatchObject({ exitCode: 0 });
  });

  test('watch tells the whole story of a task up to its end, then exits by its outcome', async () => {
    const id = (await cli(['task', 'submit', '--prompt', 'watched'])).stdout.trim();
    let seen = '';
    const watching = cli(['task', 'watch', id, '--json'], { onStdout: (text) => (seen = text) });
    await eventually(() => seen.includes('task.accepted'));
    await cli(['task', 'cancel', id]);
    const watched = await watching;
    expect(watched.exitCode).toBe(1);
    const lines = watched.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: 'task.accepted', taskId: id });
    expect(lines.at(-2)).toMatchObject({ taskId: id, type: expect.stringMatching(/^task\./) });
    expect(lines.at(-1)).toMatchObject({ task: { id, state: 'cancelled' } });
    const seqs = lines.slice(0, -1).map((line) => line['seq'] as number);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  });

  test('a person sees the evidence, decides, and the workflow is told (P29)', async () => {
    const { taskId, attemptId } = await indeterminateTask(running().database.db);
    const asked = await cli(['task', 'get', taskId]);
    expect(asked.stdout).toMatch(
      /outcome is unknown \(vanished\)[^]*"seen": "nothing"[^]*task decide/,
    );
    const argv = ['task', 'decide', taskId, 'accept', '--output-file', '-', '--attempt', attemptId];
    expect(await cli(argv, { stdin: 'done by hand' })).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('the decision is stored'),
    });
    expect(running().said).toContain(`signalTaskDecide task/${taskId}`);
    expect((await cli(['task', 'get', taskId])).stdout).toMatch(/Decided: accept/);
    expect(await cli(['task', 'decide', taskId, 'retry'])).toMatchObject({ exitCode: 6 });
  });

  test('a dead letter is replayed as a new task, the same one when asked twice; another one is discarded (P30)', async () => {
    const dead = await deadTask(running().database.db);
    const replayed = await cli(['task', 'replay', dead]);
    expect(replayed).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\S+\n$/) });
    expect(await cli(['task', 'replay', dead])).toMatchObject({
      exitCode: 0,
      stdout: replayed.stdout,
    });
    expect((await cli(['task', 'get', replayed.stdout.trim(), '--json'])).json()).toMatchObject({
      task: { replayOf: dead },
    });
    const other = await deadTask(running().database.db);
    expect(await cli(['task', 'discard', other])).toMatchObject({ exitCode: 0 });
    expect(await cli(['task', 'replay', other])).toMatchObject({ exitCode: 6 });
    expect(await cli(['task', 'watch', other])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no such model'),
    });
  });

  test('deciding, replaying or discarding what does not wait for it is exit code 6', async () => {
    const id = (await cli(['task', 'submit', '--prompt', 'p'])).stdout.trim();
    for (const argv of [
      ['decide', id, 'retry'],
      ['replay', id],
      ['discard', id],
    ]) {
      const run = await cli(['task', ...argv]);
      expect({ argv, exitCode: run.exitCode, stdout: run.stdout }).toEqual({
        argv,
        exitCode: 6,
        stdout: '',
      });
    }
  });

  test('what is not there is exit code 5, a wrong key 4, a wrong value 2 with every error', async () => {
    expect(await cli(['task', 'get', 'task-none'])).toMatchObject({ exitCode: 5, stdout: '' });
    expect(await cli(['task', 'list', '--api-key', 'dash_wrong'])).toMatchObject({
      exitCode: 4,
      stdout: '',
    });
    const invalid = await cli([
      'task',
      'submit',
      '--prompt',
      'p',
      '--session',
      'Not Allowed',
      '--pool',
      'UPPER',
      '--json',
    ]);
    expect(invalid).toMatchObject({ exitCode: 2, stdout: '' });
    const { error } = JSON.parse(invalid.stderr) as { error: { details: { where: string }[] } };
    expect(error.details.map(({ where }) => where)).toEqual(
      expect.arrayContaining(['body.session', 'body.pool']),
    );
  });

  test('a prompt over the limit is refused with the limit, exit code 2', async () => {
    const run = await cli(['task', 'submit'], { stdin: 'x'.repeat(300 * 1024) });
    expect(run).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('262144'),
    });
  });
});

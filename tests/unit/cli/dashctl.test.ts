import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { COMMANDS } from '../../../cli/commands.ts';
import { attemptDto, dashctl, problem, taskDto, type Answerer } from './harness.ts';

const refused = (): never => {
  throw new TypeError('fetch failed', {
    cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  });
};

describe('calling dashctl', () => {
  test('help goes to stdout with exit code 0, for the program and for every command', async () => {
    expect(await dashctl(['--help'])).toMatchObject({ exitCode: 0, stderr: '' });
    for (const { path, summary, options } of COMMANDS) {
      const help = await dashctl([...path, '--help']);
      expect({ path, exitCode: help.exitCode }).toEqual({ path, exitCode: 0 });
      // Long lines are broken at the terminal's width.
      expect(help.stdout.replace(/\s+/g, ' ')).toContain(summary);
      for (const { flags } of options) expect(help.stdout).toContain(flags);
    }
  });

  test.each([
    ['an unknown command', ['task', 'submitt'], /Did you mean submit/],
    ['a group without a command', ['gateway'], /command is missing/],
    ['an unknown option', ['task', 'list', '--stat', 'x'], /Did you mean --state/],
    ['a missing argument', ['task', 'get'], /missing required argument/],
    ['too many arguments', ['task', 'get', 'a', 'b'], /too many arguments/],
    [
      'a value that is none',
      ['task', 'list', '--limit', 'many'],
      /--limit: must be a whole number/,
    ],
    ['a choice that is none', ['task', 'submit', '--priority', 'urgent'], /critical, high, normal/],
    ['no prompt at a terminal', ['task', 'submit'], /prompt is missing/],
    ['two prompts', ['task', 'submit', '--prompt', 'a', '--file', 'b'], /once/],
    ['a file that is not there', ['task', 'submit', '--file', 'nowhere.txt'], /no such file/],
    [
      'an adopted gateway without token',
      ['gateway', 'add', 'ws://127.0.0.1:1'],
      /token is missing/,
    ],
    ['a wrong address', ['task', 'list', '--url', 'nonsense'], /no address/],
    ['retry with an answer', ['task', 'decide', 't', 'retry', '--output', 'x'], /goes with accept/],
    ['no such decision', ['task', 'decide', 't', 'maybe'], /accept, retry or discard/],
  ])(
    '%s is wrong use: exit code 2, told on stderr, nothing asked of the API',
    async (_name, argv, words) => {
      let asked = 0;
      const run = await dashctl(argv, { answer: () => ((asked += 1), [500, {}]) });
      expect({ exitCode: run.exitCode, stdout: run.stdout, asked }).toEqual({
        exitCode: 2,
        stdout: '',
        asked: 0,
      });
      expect(run.stderr).toMatch(words);
    },
  );

  test.each([
    [401, 'unauthenticated', 4],
    [403, 'scope-missing', 4],
    [404, 'task-not-found', 5],
    [409, 'nothing-to-decide', 6],
    [410, 'cursor-expired', 6],
    [413, 'payload-too-large', 2],
    [422, 'validation-failed', 2],
    [429, 'limit-reached', 3],
    [500, 'internal', 3],
    [503, 'database-unavailable', 3],
  ])(
    'an answer %i (%s) is exit code %i, with the words of the API and the request id',
    async (status, code, exitCode) => {
      const answer: Answerer = () => problem(status, code, 'Something happened; do something.');
      const run = await dashctl(['task', 'get', 'task-1'], { answer });
      expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode, stdout: '' });
      expect(run.stderr).toContain('Something happened; do something.');
      expect(run.stderr).toContain('req-1');
    },
  );

  test('an API that is not there is exit code 3, with what to do', async () => {
    const run = await dashctl(['task', 'list'], { answer: refused });
    expect(run).toMatchObject({ exitCode: 3, stdout: '' });
    expect(run.stderr).toMatch(/ECONNREFUSED[^]*npm start[^]*dashctl doctor/);
  });

  test('something else that answers at the address is exit code 3, not a crash', async () => {
    const answer: Answerer = () => new Response('<html>hello</html>', { status: 200 });
    expect(await dashctl(['task', 'list'], { answer })).toMatchObject({ exitCode: 3, stdout: '' });
  });

  test('with --json errors are one JSON line on stderr and stdout stays empty', async () => {
    const answer: Answerer = () =>
      problem(422, 'validation-failed', 'No.', { issues: [{ path: 'body.pool', message: 'bad' }] });
    const run = await dashctl(['task', 'submit', '--prompt', 'x', '--json'], { answer });
    expect(run.stdout).toBe('');
    expect(JSON.parse(run.stderr)).toMatchObject({
      error: {
        code: 'validation-failed',
        details: [{ where: 'body.pool', message: 'bad' }],
        requestId: 'req-1',
      },
    });
  });

  test('colour only on a terminal, and not with NO_COLOR, --no-color or TERM=dumb', async () => {
    const painted = async (argv: string[], options: Parameters<typeof dashctl>[1]) =>
      (
        await dashctl(['task', 'get', 't', ...argv], {
          answer: () => problem(404, 'task-not-found', 'None.'),
          ...options,
        })
      ).stderr.includes('\u001b[');
    expect(await painted([], { terminal: true })).toBe(true);
    expect(await painted([], {})).toBe(false);
    expect(await painted(['--no-color'], { terminal: true })).toBe(false);
    expect(await painted([], { terminal: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await painted([], { terminal: true, env: { TERM: 'dumb' } })).toBe(false);
  });

  test('a defect is exit code 70 and shows its stack', async () => {
    const run = await dashctl(['task', 'get', 't'], {
      answer: () => [200, { nothing: 'expected' }],
    });
    expect(run.exitCode).toBe(70);
    expect(run.stderr).toContain('at ');
  });
});

describe('task submit', () => {
  const accepting: Answerer = ({ path }) =>
    path.endsWith('/attempts')
      ? [200, { items: [attemptDto()] }]
      : [202, { existing: false, task: taskDto() }];

  test('sends what was given and only that, and prints the id alone', async () => {
    let body: unknown;
    const answer: Answerer = (request) => ((body = request.body), accepting(request));
    const argv = [
      'task',
      'submit',
      '--prompt',
      'p',
      '--priority',
      'high',
      '--run-limit',
      '15m',
      '--session',
      's.1',
    ];
    const run = await dashctl(argv, { answer });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'task-1\n' });
    expect(body).toEqual({ prompt: 'p', priority: 'high', runLimitSeconds: 900, session: 's.1' });
  });

  test('the prompt comes from standard input or from a file, byte for byte', async () => {
    const prompts: unknown[] = [];
    const answer: Answerer = (request) => {
      prompts.push((request.body as { prompt: string }).prompt);
      return accepting(request);
    };
    const dir = mkdtempSync(join(tmpdir(), 'dash-prompt-'));
    writeFileSync(join(dir, 'p.txt'), 'from a file\n  ä\n');
    await dashctl(['task', 'submit'], { answer, stdin: 'piped\nin ü' });
    await dashctl(['task', 'submit', '--file', '-'], { answer, stdin: 'named' });
    await dashctl(['task', 'submit', '--file', join(dir, 'p.txt')], { answer });
    rmSync(dir, { recursive: true });
    expect(prompts).toEqual(['piped\nin ü', 'named', 'from a file\n  ä\n']);
  });

  test('a lost answer is asked for again under the same idempotency key, so nothing is doubled (R9)', async () => {
    const keys: (string | null)[] = [];
    const answer: Answerer = (request) => {
      keys.push(request.headers.get('idempotency-key'));
      if (keys.length < 3)
        throw new TypeError('fetch failed', { cause: new Error('socket hang up') });
      return accepting(request);
    };
    expect(await dashctl(['task', 'submit', '--prompt', 'p'], { answer })).toMatchObject({
      exitCode: 0,
    });
    expect(keys).toEqual(['random-id', 'random-id', 'random-id']);
  });

  test('when no answer comes at all, the key to repeat with is told and the exit code is 3', async () => {
    const answer: Answerer = () => {
      throw new TypeError('fetch failed', { cause: new Error('socket hang up') });
    };
    const run = await dashctl(['task', 'submit', '--prompt', 'p'], { answer });
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain('--idempotency-key random-id');
  });

  const states = (...sequence: Record<string, unknown>[]): Answerer => {
    let looks = 0;
    return (request) => {
      if (request.method === 'POST') return accepting(request);
      if (request.path.endsWith('/attempts')) return [200, { items: [attemptDto()] }];
      return [200, taskDto(sequence[Math.min(looks++, sequence.length - 1)])];
    };
  };
  const ended = {
    finishedAt: '2026-11-22T15:00:03.000Z',
    usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3, costUsd: 0.5 },
  };

  test('--wait follows to the end and prints only the answer on stdout', async () => {
    const answer = states(
      { state: 'queued' },
      { state: 'completed', output: 'Hello\nyou', ...ended },
    );
    const run = await dashctl(['task', 'submit', '--prompt', 'p', '--wait'], { answer });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'Hello\nyou\n' });
    expect(run.stderr).toContain('completed on local-1, attempt 1, 3 tokens, $0.5000, 3.0 s');
  });

  test('--wait is exit code 1 when the task ended badly, and says why', async () => {
    const failure = { reason: 'permanent', message: 'unknown model', lastFailure: null };
    const run = await dashctl(['task', 'submit', '--prompt', 'p', '--wait'], {
      answer: states({ state: 'dead', stateReason: 'permanent', failure, ...ended }),
    });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toContain('dead (permanent) on local-1, attempt 1');
    expect(run.stderr).toContain('unknown model');
  });

  test('--timeout ends the waiting with exit code 3; the task goes on', async () => {
    const run = await dashctl(['task', 'submit', '--prompt', 'p', '--wait', '--timeout', '1s'], {
      answer: states({ state: 'queued' }),
    });
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain('it goes on');
  });

  test('Ctrl-C ends the waiting with exit code 130', async () => {
    const signal = AbortSignal.timeout(200);
    const run = await dashctl(['task', 'submit', '--prompt', 'p', '--wait'], {
      answer: states({ state: 'queued' }),
      signal,
    });
    expect(run.exitCode).toBe(130);
  });

  test('an API that restarts while it is waited for is waited for, too', async () => {
    let looks = 0;
    const calm = states({ state: 'completed', output: 'back', ...ended });
    const answer: Answerer = (request) => {
      if (request.method === 'GET' && !request.path.endsWith('/attempts') && looks++ === 0)
        refused();
      return calm(request);
    };
    const run = await dashctl(['task', 'submit', '--prompt', 'p', '--wait'], { answer });
    expect(run).toMatchObject({ exitCode: 0, stdout: 'back\n' });
  });
});

describe('lists', () => {
  test('--limit over one page and --all read page after page; --json is one document', async () => {
    const pages: Record<string, string>[] = [];
    const answer: Answerer = ({ query }) => {
      pages.push(query);
      const first = Number(query['cursor'] ?? 0);
      const items = Array.from({ length: Number(query['limit']) }, (_, index) =>
        taskDto({ id: `task-${first + index}` }),
      );
      return [
        200,
        {
          items: items.slice(0, 450 - first),
          nextCursor: first + items.length < 450 ? String(first + items.length) : null,
        },
      ];
    };
    const limited = await dashctl(
      ['task', 'list', '--limit', '250', '--state', 'queued,backoff', '--json'],
      { answer },
    );
    expect(JSON.parse(limited.stdout).items).toHaveLength(250);
    expect(pages).toEqual([
      { state: 'queued,backoff', limit: '200' },
      { state: 'queued,backoff', limit: '50', cursor: '200' },
    ]);
    const all = await dashctl(['task', 'list', '--all', '--json'], { answer });
    expect(JSON.parse(all.stdout)).toMatchObject({ nextCursor: null });
    expect(JSON.parse(all.stdout).items).toHaveLength(450);
  });

  test('an empty list is a remark on stderr, nothing on stdout, and an empty list in JSON', async () => {
    const answer: Answerer = () => [200, { items: [], nextCursor: null }];
    expect(await dashctl(['task', 'list'], { answer })).toMatchObject({ exitCode: 0, stdout: '' });
    expect(JSON.parse((await dashctl(['task', 'list', '--json'], { answer })).stdout)).toEqual({
      items: [],
      nextCursor: null,
    });
  });
});

import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { createLogger, type Logger } from '../../../src/platform/logger.ts';
import { prettyLines } from '../../../src/platform/pretty-log.ts';
import { isSecretName, redactDeep } from '../../../src/platform/redact.ts';

function recording(level: 'info' | 'silent' = 'info'): {
  log: Logger;
  lines: Record<string, unknown>[];
  text: () => string;
} {
  const raw: string[] = [];
  const log = createLogger({
    level,
    name: 'test',
    destination: { write: (line) => void raw.push(line) },
  });
  return {
    log,
    get lines() {
      return raw.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    text: () => raw.join(''),
  };
}

describe('the log', () => {
  test('is one JSON object per line with level, ISO time, name and message (R43)', () => {
    const { log, lines: _, ...record } = recording();
    log.child({ taskId: 'task-1' }).info({ ms: 5 }, 'claimed');
    const line = JSON.parse(record.text()) as Record<string, unknown>;
    expect(line).toMatchObject({
      level: 'info',
      name: 'test',
      msg: 'claimed',
      taskId: 'task-1',
      ms: 5,
    });
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('never shows a secret, at any depth, in fields, child fields, errors or texts (R37, R43)', () => {
    const record = recording();
    const log = record.log.child({ apiKey: 'hunter2' });
    const cause = Object.assign(new Error('refused: Authorization: Bearer hunter2hunter2'), {
      request: { headers: { authorization: 'hunter2' } },
    });
    log.info(
      { gateway: { token: 'hunter2', nested: [{ password: 'hunter2', secretKey: 'hunter2' }] } },
      'x',
    );
    log.error(new Error('postgres://dash:hunter2@db/dash', { cause }));
    log.warn({ err: cause }, 'key dash_abc_hunter2hunter2 refused');
    log.info('connecting to postgres://dash:hunter2@db/dash');
    expect(record.lines).toHaveLength(4);
    expect(record.text()).not.toContain('hunter2');
    expect(record.text()).toContain('refused');
  });

  test('keeps what merely sounds like a secret: token counts, empty and absent values', () => {
    const usage = { inputTokens: 5, outputTokens: 7, totalTokens: 12, token: null, password: '' };
    expect(redactDeep(usage)).toEqual(usage);
    expect(isSecretName('maxTokens')).toBe(false);
    expect(isSecretName('gatewayToken')).toBe(true);
  });

  test('survives what JSON does not: circles, depth, bytes, big numbers', () => {
    const circle: Record<string, unknown> = { bytes: new Uint8Array(3), big: 10n };
    circle['self'] = circle;
    expect(redactDeep(circle)).toEqual({ bytes: '[3 bytes]', big: '10', self: '[…]' });
    const shared = { a: 1 };
    expect(redactDeep([shared, shared])).toEqual([shared, shared]);
  });

  test('an error keeps its message, stack and cause', () => {
    const record = recording();
    record.log.error({ err: new TypeError('outer', { cause: new Error('inner') }) }, 'failed');
    expect(record.lines[0]!['err']).toMatchObject({
      type: 'TypeError',
      message: 'outer',
      stack: expect.stringContaining('logger.test.ts'),
      cause: { message: 'inner' },
    });
  });

  test('silent means silent', () => {
    const record = recording('silent');
    record.log.fatal('nobody hears this');
    expect(record.text()).toBe('');
  });

  test('for a terminal a line reads from left to right: time, level, who, what, details', () => {
    const stream = new PassThrough();
    const log = createLogger({ level: 'info', name: 'api', destination: prettyLines(stream) });
    log.warn({ taskId: 'task-1', words: 'two words' }, 'waiting');
    const plain = (stream.read() as Buffer).toString();
    expect(plain).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}warn {3}api {2}waiting {2}taskId=task-1 {2}words="two words"\n$/,
    );
  });
});

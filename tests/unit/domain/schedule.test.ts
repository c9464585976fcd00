import { describe, expect, test } from '@jest/globals';
import { cronProblem } from '../../../src/domain/cron.ts';
import { timingProblems } from '../../../src/domain/schedule.ts';
import { standingOf } from '../../../src/domain/submission.ts';
import { timeZoneProblem } from '../../../src/domain/time-zone.ts';

describe('a cron', () => {
  test.each([
    '* * * * *',
    '*/15 0-6,22 1,15 JAN-MAR MON-FRI',
    '5/10 6 * * 7',
    '0 0 29 2 *',
    '0 0 31 1,2 *',
    '  30 6 * * sun ',
    '@daily',
  ])('"%s" is taken (R12)', (cron) => {
    expect(cronProblem(cron)).toBeNull();
  });

  test.each([
    ['60 * * * *', 'minute', '0 to 59'],
    ['* 24 * * *', 'hour', '0 to 23'],
    ['* * 0 * *', 'day of month', '1 to 31'],
    ['* * * 13 *', 'month', 'JAN to DEC'],
    ['* * * * 8', 'day of week', 'SUN to SAT'],
    ['5-1 * * * *', 'minute', 'ranges a-b that go up'],
    ['*/0 * * * *', 'minute', 'steps'],
    ['1,,2 * * * *', 'minute', 'lists'],
    ['0 0 L * *', 'day of month', '1 to 31'],
    ['* * * *', 'five fields', '30 6'],
    ['0 * * * * *', 'five fields', '30 6'],
    ['@every 5m', 'everySeconds', '@daily'],
    ['CRON_TZ=UTC 0 6 * * *', 'timeZone', 'five fields'],
    ['0 0 30 2 *', 'never happens', 'such a day'],
    ['0 0 31 4,6,9,11 *', 'never happens', 'such a day'],
    ['', 'five fields', '@hourly'],
  ])('"%s" is refused with what is allowed (R12)', (cron, what, allowed) => {
    expect(cronProblem(cron)).toContain(what);
    expect(cronProblem(cron)).toContain(allowed);
  });
});

describe('a time zone', () => {
  test.each(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'US/Pacific', 'Etc/GMT+5', 'GMT'])(
    '%s is taken (R12)',
    (zone) => {
      expect(timeZoneProblem(zone)).toBeNull();
    },
  );

  test('a name that is none is refused with one that may be meant (R12)', () => {
    expect(timeZoneProblem('Europe/Berlim')).toContain('perhaps Europe/Berlin');
    // Temporal reads names with their case, and no offsets.
    expect(timeZoneProblem('europe/berlin')).toContain('perhaps Europe/Berlin');
    expect(timeZoneProblem('+02:00')).toContain('Europe/Berlin');
    expect(timeZoneProblem('Nowhere/At-All')).toContain('no IANA time zone');
  });
});

test('exactly one of cron and interval is asked for, a zone only with cron (R12)', () => {
  const paths = (timing: object): string[] =>
    timingProblems(timing).map(({ path }) => path.join('.'));
  expect(paths({})).toEqual(['cron']);
  expect(paths({ cron: '@daily', everySeconds: 60 })).toEqual(['everySeconds']);
  expect(paths({ everySeconds: 60, timeZone: 'UTC' })).toEqual(['timeZone']);
  expect(paths({ cron: 'x', timeZone: 'y' })).toEqual(['cron', 'timeZone']);
  expect(paths({ everySeconds: 60 })).toEqual([]);
  expect(paths({ cron: '0 6 * * *', timeZone: 'Europe/Paris' })).toEqual([]);
});

test('an answer over 64 KiB stays in its row, as does every answer that nobody waits for (architecture 3)', () => {
  const ended = (output: string) =>
    ({
      kind: 'task',
      taskId: 't',
      end: { state: 'completed', output, usage: null, failure: null },
    }) as const;
  expect(standingOf(ended('short'), true)).toMatchObject({ output: 'short', outputOmitted: false });
  expect(standingOf(ended('é'.repeat(32_769)), true)).toMatchObject({
    output: null,
    outputOmitted: true,
  });
  expect(standingOf(ended('short'), false)).toMatchObject({ output: null, outputOmitted: true });
});

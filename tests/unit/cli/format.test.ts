import { expect, test } from '@jest/globals';
import { age, count, duration, money } from '../../../cli/output/format.ts';

test('durations are said in the two units that matter', () => {
  expect(
    [0, 850, 1234, 12_400, 59_600, 200_000, 3_600_000, 7_500_000, 100_000_000].map(duration),
  ).toEqual([
    '0 ms',
    '850 ms',
    '1.2 s',
    '12 s',
    '1 min',
    '3 min 20 s',
    '1 h',
    '2 h 5 min',
    '1 d 4 h',
  ]);
});

test('what never was has no age, and a clock that lags makes none negative', () => {
  expect(age(null, 0)).toBe('-');
  expect(age('1970-01-01T00:00:05.000Z', 17_000)).toBe('12 s ago');
  expect(age('1970-01-01T00:00:05.000Z', 0)).toBe('0 ms ago');
});

test('costs show four places, an unknown cost is not zero', () => {
  expect([money(0), money(0.01234), money(null)]).toEqual(['$0.0000', '$0.0123', '-']);
});

test('counts agree with their noun', () => {
  expect([count(1, 'task'), count(3, 'task'), count(2, 'reply', 'replies')]).toEqual([
    '1 task',
    '3 tasks',
    '2 replies',
  ]);
});

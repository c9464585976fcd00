import { afterEach, expect, jest, test } from '@jest/globals';
import { SilenceWatch } from '../../../src/gateway/silence-watch.ts';
import { systemClock } from '../../../src/platform/clock.ts';

const TICK_MS = 1_000;
let now = 0;
let silences = 0;
const clock = { ...systemClock(), monotonic: () => now };

function started(): SilenceWatch {
  jest.useFakeTimers();
  [now, silences] = [0, 0];
  const watch = new SilenceWatch({ clock, onSilence: () => (silences += 1) });
  watch.start(TICK_MS);
  return watch;
}

function pass(ticks: number): void {
  for (let n = 0; n < ticks; n += 1) {
    now += TICK_MS;
    jest.advanceTimersByTime(TICK_MS);
  }
}

afterEach(() => void jest.useRealTimers());

test('two ticks without a frame are not silence yet, three are (R26)', () => {
  const watch = started();
  pass(2);
  expect(silences).toBe(0);
  pass(1);
  expect(silences).toBe(1);
  watch.stop();
});

test('whatever arrives begins the count anew (R26)', () => {
  const watch = started();
  for (let n = 0; n < 5; n += 1) {
    pass(2);
    watch.heard();
  }
  expect(silences).toBe(0);
  watch.stop();
});

test('a watch that was stopped, or started again, says nothing about the socket before (R26)', () => {
  const watch = started();
  pass(2);
  watch.start(TICK_MS);
  pass(2);
  watch.stop();
  pass(10);
  expect(silences).toBe(0);
});

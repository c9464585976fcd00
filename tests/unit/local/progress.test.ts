import { describe, expect, test } from '@jest/globals';
import { createProgress } from '../../../src/local/progress.ts';
import type { Clock } from '../../../src/platform/clock.ts';

/** Time that moves only when told: `pass(ms)` wakes the sleepers whose time has come. */
function handClock(): Clock & { pass(ms: number): Promise<void> } {
  let now = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        sleepers.push({ at: now + ms, wake: resolve });
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
    async pass(ms) {
      now += ms;
      for (const sleeper of sleepers.filter(({ at }) => at <= now)) sleeper.wake();
      sleepers.splice(0, sleepers.length, ...sleepers.filter(({ at }) => at > now));
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function capture(stream: { isTTY?: boolean; columns?: number } = {}): {
  stream: { write(text: string): void; isTTY?: boolean; columns?: number };
  text: () => string;
} {
  let written = '';
  return { stream: { ...stream, write: (text) => void (written += text) }, text: () => written };
}

describe('progress into a file or pipe', () => {
  test('a step prints whole plain lines: a start, a sign of life every ten seconds, an end', async () => {
    const clock = handClock();
    const { stream, text } = capture();
    const step = createProgress({ stream, clock, color: false }).step('Fetching');
    step.update(5_000_000, { total: 10_000_000, unit: 'bytes' });
    await clock.pass(10_000);
    step.done('Fetched');
    expect(text()).toBe(
      'Fetching …\n' +
        `  Fetching  ${'█'.repeat(12)}${'░'.repeat(12)} 50 % (5.0 MB of 10.0 MB)  10.0 s\n` +
        '✓ Fetched (10.0 s)\n',
    );
  });

  test('after its end a step prints nothing more, whatever is called', async () => {
    const clock = handClock();
    const { stream, text } = capture();
    const step = createProgress({ stream, clock, color: false }).step('Fetching');
    step.fail('No network');
    step.done();
    await clock.pass(60_000);
    expect(text()).toBe('Fetching …\n✗ No network\n');
  });

  test('no control character reaches it', async () => {
    const clock = handClock();
    const { stream, text } = capture();
    const progress = createProgress({ stream, clock, color: false });
    progress.step('One');
    progress.line('a sentence');
    await clock.pass(20_000);
    const lineFeed = 10;
    const controls = Buffer.from(text()).filter((byte) => byte < 32 && byte !== lineFeed);
    expect(controls).toHaveLength(0);
  });
});

describe('progress on a terminal', () => {
  test('one line is redrawn with a counter, never wider than the terminal', async () => {
    const clock = handClock();
    const { stream, text } = capture({ isTTY: true, columns: 20 });
    const step = createProgress({ stream, clock, color: false }).step('A rather long label');
    step.update(7);
    await clock.pass(100);
    const frames = text().split('\r\x1b[2K').slice(1);
    expect(frames.length).toBeGreaterThanOrEqual(2);
    expect(frames.every((frame) => frame.length < 20 && !frame.includes('\n'))).toBe(true);
  });

  test('colour is used only when wanted', () => {
    const end = (color: boolean): string => {
      const { stream, text } = capture({ isTTY: true });
      createProgress({ stream, clock: handClock(), color }).step('x').done();
      return text();
    };
    expect(end(true)).toContain('\x1b[32m');
    expect(end(false)).not.toContain('\x1b[32m');
  });
});

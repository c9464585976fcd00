import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { listenForInterruption } from '../../../cli/interruption.ts';

function start() {
  const exits: number[] = [];
  const process = Object.assign(new EventEmitter(), {
    exit: (code: number) => void exits.push(code),
  });
  const time = { now: 5_000 };
  const interruption = listenForInterruption({ process, clock: { monotonic: () => time.now } });
  return { exits, process, time, interruption };
}

test('the first Ctrl-C asks for an orderly end, a second one ends the process at once (P34)', () => {
  const { exits, process, time, interruption } = start();
  expect(interruption.signal.aborted).toBe(false);
  process.emit('SIGINT');
  expect({ aborted: interruption.signal.aborted, exits }).toEqual({ aborted: true, exits: [] });
  time.now += 1_000;
  process.emit('SIGINT');
  expect(exits).toEqual([130]);
});

test('one keystroke that arrives three times (terminal, npm, launcher) is one', () => {
  const { exits, process, time, interruption } = start();
  process.emit('SIGINT');
  time.now += 40;
  process.emit('SIGINT');
  process.emit('SIGTERM');
  expect({ aborted: interruption.signal.aborted, exits }).toEqual({ aborted: true, exits: [] });
});

test('SIGTERM and a closed terminal ask for an orderly end, too; after stop nothing is listened to', () => {
  for (const signal of ['SIGTERM', 'SIGHUP']) {
    const { process, interruption } = start();
    process.emit(signal);
    expect(interruption.signal.aborted).toBe(true);
    interruption.stop();
    expect(process.listenerCount(signal)).toBe(0);
  }
});

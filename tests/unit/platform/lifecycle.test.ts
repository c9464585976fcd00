import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/platform/clock.ts';
import {
  createLifecycle,
  onSignals,
  runProcess,
  type SignalSource,
} from '../../../src/platform/lifecycle.ts';
import { createLogger } from '../../../src/platform/logger.ts';

const clock = systemClock();
const log = createLogger({ level: 'silent', name: 'test' });

class FakeProcess extends EventEmitter implements SignalSource {
  readonly exits: number[] = [];
  readonly exited = Promise.withResolvers<number>();
  exit(code: number): void {
    this.exits.push(code);
    this.exited.resolve(code);
  }
}

describe('the end of a process', () => {
  test('runs the ends in reverse order of the starts, one after another', async () => {
    const lifecycle = createLifecycle({ log, clock, deadlineMs: 5_000 });
    const ended: string[] = [];
    lifecycle.onEnd('pool', () => void ended.push('pool'));
    lifecycle.onEnd('server', async () => {
      await clock.sleep(10);
      ended.push('server');
    });
    expect(await lifecycle.end('test')).toEqual({ failed: [], late: [] });
    expect(ended).toEqual(['server', 'pool']);
    expect(lifecycle.ending.aborted).toBe(true);
  });

  test('a failing end is named and does not keep the others from ending', async () => {
    const lifecycle = createLifecycle({ log, clock, deadlineMs: 5_000 });
    let poolEnded = false;
    lifecycle.onEnd('pool', () => void (poolEnded = true));
    lifecycle.onEnd('worker', () => Promise.reject(new Error('stuck')));
    expect(await lifecycle.end('test')).toEqual({ failed: ['worker'], late: [] });
    expect(poolEnded).toBe(true);
  });

  test('an end that hangs costs its own bound only, and all that is left is told to end after the deadline', async () => {
    const lifecycle = createLifecycle({ log, clock, deadlineMs: 60 });
    const told: string[] = [];
    const hang = (what: string) => () => {
      told.push(what);
      return new Promise<void>(() => undefined);
    };
    lifecycle.onEnd('third', hang('third'));
    lifecycle.onEnd('second', hang('second'));
    lifecycle.onEnd('first', hang('first'), { withinMs: 10 });
    const startedAt = performance.now();
    expect(await lifecycle.end('test')).toEqual({ failed: [], late: ['first', 'second', 'third'] });
    expect(told).toEqual(['first', 'second', 'third']);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  test('happens once, however often it is asked for, and what is registered meanwhile ends too', async () => {
    const lifecycle = createLifecycle({ log, clock, deadlineMs: 5_000 });
    let count = 0;
    const began = Promise.withResolvers<void>();
    lifecycle.onEnd('server', async () => {
      count += 1;
      began.resolve();
      await clock.sleep(10);
    });
    const both = Promise.all([lifecycle.end('one'), lifecycle.end('two')]);
    await began.promise;
    lifecycle.onEnd('latecomer', () => void (count += 10));
    await both;
    expect(count).toBe(11);
  });
});

describe('signals', () => {
  test('the first one asks for an orderly end, the second one ends at once (P34)', () => {
    const fake = new FakeProcess();
    const seen: string[] = [];
    onSignals({ onFirst: (signal) => seen.push(signal), process: fake });
    fake.emit('SIGTERM');
    expect([seen, fake.exits]).toEqual([['SIGTERM'], []]);
    fake.emit('SIGINT');
    expect([seen, fake.exits]).toEqual([['SIGTERM'], [130]]);
  });

  test('after it was told to stop listening, nothing happens', () => {
    const fake = new FakeProcess();
    onSignals({ onFirst: () => expect(true).toBe(false), process: fake })();
    expect(fake.emit('SIGTERM')).toBe(false);
  });
});

describe('a whole process', () => {
  test('ends what it started on a signal and exits 0', async () => {
    const fake = new FakeProcess();
    let isOpen = false;
    const started = Promise.withResolvers<void>();
    void runProcess({
      log,
      clock,
      deadlineMs: 1_000,
      process: fake,
      start: async (lifecycle) => {
        await Promise.resolve();
        isOpen = true;
        lifecycle.onEnd('server', () => void (isOpen = false));
        started.resolve();
      },
    });
    await started.promise;
    fake.emit('SIGTERM');
    expect(await fake.exited.promise).toBe(0);
    expect(isOpen).toBe(false);
  });

  test('a failed start ends what had been started and exits 1', async () => {
    const fake = new FakeProcess();
    let isOpen = true;
    void runProcess({
      log,
      clock,
      deadlineMs: 1_000,
      process: fake,
      start: (lifecycle) => {
        lifecycle.onEnd('pool', () => void (isOpen = false));
        return Promise.reject(new Error('port taken'));
      },
    });
    expect(await fake.exited.promise).toBe(1);
    expect(isOpen).toBe(false);
  });

  test('an end that is not clean exits 1', async () => {
    const fake = new FakeProcess();
    void runProcess({
      log,
      clock,
      deadlineMs: 1_000,
      process: fake,
      start: async (lifecycle) => {
        lifecycle.onEnd('worker', () => Promise.reject(new Error('stuck')));
        await Promise.resolve();
        fake.emit('SIGINT');
      },
    });
    expect(await fake.exited.promise).toBe(1);
  });
});

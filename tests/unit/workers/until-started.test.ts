import { expect, test } from '@jest/globals';

import { untilStarted } from '../../../workers/until-started.ts';

const gone = Object.assign(new Error('terminating connection due to unexpected postmaster exit'), {
  code: '57P01',
});

/** A worker whose first starts fail with these errors; `endAt`: the process is told to end during that start. */
async function startWith(errors: readonly Error[], endAt = 0) {
  const ending = new AbortController();
  let starts = 0;
  let sleeps = 0;
  const started = untilStarted({
    start: async () => {
      starts += 1;
      if (starts === endAt) ending.abort();
      const error = errors[starts - 1];
      if (error !== undefined) throw error;
    },
    clock: { sleep: async () => void (sleeps += 1) },
    log: { warn: () => undefined },
    ending: ending.signal,
  });
  const error: unknown = await started.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { starts, sleeps, error };
}

test('a worker whose PostgreSQL dies during its start waits and starts again (R45, R47)', async () => {
  expect(await startWith([gone, gone])).toEqual({ starts: 3, sleeps: 2, error: null });
});

test('what no waiting changes ends the start at once (R45)', async () => {
  const error = new Error('no such setting');
  expect(await startWith([gone, error])).toEqual({ starts: 2, sleeps: 1, error });
});

test('a process that is told to end meanwhile does not start again (R45)', async () => {
  expect(await startWith([gone, gone], 1)).toEqual({ starts: 1, sleeps: 1, error: null });
});

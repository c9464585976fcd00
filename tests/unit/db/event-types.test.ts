import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { EVENT_TYPES } from '../../../src/domain/event-type.ts';
import { TASK_STATES } from '../../../src/domain/task.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'db', 'functions');

/** Every literal that looks like an event's name, and one per task state where a function writes 'task.' || state. */
function writtenTypes(): Set<string> {
  const sql = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const literals = sql.flatMap((text) => [
    ...text.matchAll(
      /'((?:task|approval|attempt|dead-letter|bulk|schedule|session|swarm|gateway|chain|fleet|budget|tenant|pool|policy|installation)\.[a-z-]+)'/g,
    ),
  ]);
  return new Set([
    ...literals.map((match) => match[1] ?? ''),
    ...TASK_STATES.map((state) => `task.${state}`),
  ]);
}

describe('the catalog of events', () => {
  it('is what the functions of the database write, no more and no less (R40)', () => {
    expect([...writtenTypes()].toSorted()).toEqual([...EVENT_TYPES].toSorted());
  });
});

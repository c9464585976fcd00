import type { Database } from '../../src/db/database.ts';
import { currentSeq, readEvents } from '../../src/db/event-store.ts';
import { TERMINAL_STATES } from '../../src/domain/task.ts';

/** Tells when a task's row is terminal, by the event that the same transaction wrote. */
export interface TaskEnds {
  of(taskId: string): Promise<string>;
  close(): Promise<void>;
}

const TYPES = TERMINAL_STATES.map((state) => `task.${state}`);

export async function watchTaskEnds(db: Database): Promise<TaskEnds> {
  let after = await currentSeq(db);
  const ended = new Map<string, string>();
  const waiting = new Map<string, (type: string) => void>();
  let reading = Promise.resolve();

  async function read(): Promise<void> {
    for (;;) {
      const page = await readEvents(db, { after, limit: 500, filter: { types: TYPES } });
      for (const { taskId, type } of page.events) {
        if (taskId === null) continue;
        ended.set(taskId, type);
        waiting.get(taskId)?.(type);
        waiting.delete(taskId);
      }
      if (page.upTo <= after) return;
      after = page.upTo;
    }
  }
  const listener = db.listen('dash_events', () => {
    reading = reading.then(read, read);
  });
  await listener.ready;
  return {
    of: (taskId) => {
      const known = ended.get(taskId);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => waiting.set(taskId, resolve));
    },
    close: () => listener.close(),
  };
}

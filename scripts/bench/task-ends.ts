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
  let newest = after;
  let isReading = false;

  async function readPage(): Promise<void> {
    const page = await readEvents(db, { after, limit: 500, filter: { types: TYPES } });
    after = page.upTo;
    for (const { taskId, type } of page.events) {
      if (taskId === null) continue;
      ended.set(taskId, type);
      waiting.get(taskId)?.(type);
      waiting.delete(taskId);
    }
  }
  // One read serves every notification that came meanwhile: the driver must not load what it measures.
  async function readWhileBehind(): Promise<void> {
    if (isReading) return;
    isReading = true;
    while (newest > after) {
      const before = after;
      await readPage();
      if (after === before) newest = after;
    }
    isReading = false;
  }
  const listener = db.listen('dash_events', (seq) => {
    newest = Math.max(newest, seq === null ? Infinity : Number(seq));
    void readWhileBehind();
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

import type { deadLetterRoutes } from '../../src/contract/dead-letters.ts';
import { taskAttempts } from '../../src/db/attempt-record.ts';
import { getDeadLetter, listDeadLetters } from '../../src/db/dead-letter-store.ts';
import { deadLetterFilterOf } from '../dead-letter-filter.ts';
import { attemptDto, taskDto } from '../dto.ts';
import type { Handlers } from '../handler.ts';
import { deadLetterDto } from '../outcome-dto.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import { noDeadLetter } from '../refusals.ts';
import { visibleTask } from '../visible-task.ts';

export const deadLetterHandlers: Handlers<typeof deadLetterRoutes> = {
  list: async (deps, { query, credential }) => {
    const before = placeOfCursor(query.cursor);
    const rows = await listDeadLetters(deps.db, {
      filter: deadLetterFilterOf(credential, query),
      ...(before === undefined ? {} : { before }),
      limit: query.limit,
    });
    return {
      status: 200,
      body: pageOf(rows, query.limit, { placeOf: (row) => row.seq, toDto: deadLetterDto }),
    };
  },
  get: async (deps, { params, credential }) => {
    const { taskId } = params;
    const task = await visibleTask(deps, credential, taskId);
    const letter = await getDeadLetter(deps.db, taskId);
    if (letter === null) throw noDeadLetter(taskId);
    const attempts = await taskAttempts(deps.db, taskId);
    return {
      status: 200,
      body: {
        deadLetter: deadLetterDto(letter),
        task: taskDto(task),
        attempts: attempts.map(attemptDto),
      },
    };
  },
};

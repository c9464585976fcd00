import type { Response } from 'express';
import { AppError } from '../../src/contract/errors.ts';
import { readEvents, type EventFilter, type EventRecord } from '../../src/db/event-store.ts';
import type { ApiDeps } from '../api-deps.ts';
import { eventDto } from '../dto.ts';
import { asAppError, problemOf } from '../problem-response.ts';
import type { RequestScope } from '../request-scope.ts';
import { cursorOf } from './event-cursor.ts';
import { SseWriter, sseHeartbeat, sseMessage } from './sse-writer.ts';

const PAGE_SIZE = 200;
/** A read that moved on so far was cut short by its own bound: there may be more to look at. */
const LONG_STRETCH = 10_000;
const LAST_WORDS_MS = 1_000;

export interface StreamPlan {
  readonly stream: string;
  /** Events behind this seq are sent. */
  readonly after: number;
  readonly filter: EventFilter;
  readonly scope: RequestScope;
  /** Throws when the key of this client holds no longer. */
  readonly reauthorize: () => Promise<void>;
}

/**
 * Serves one event stream until its client goes, the API ends, or something keeps it from going on; the client is
 * told which, and goes on elsewhere behind its cursor. Events are read from the rows page by page as the client takes
 * them, so a slow one costs one page of memory.
 */
export async function serveEvents(deps: ApiDeps, res: Response, plan: StreamPlan): Promise<void> {
  const { clock, bounds, ending } = deps;
  const writer = new SseWriter({ res, clock, slowConsumerMs: bounds.slowConsumerMs });
  const signal = AbortSignal.any([writer.closed, ending]);
  try {
    await follow(deps, writer, plan, signal);
    if (!writer.closed.aborted) throw apiEnds();
  } catch (error) {
    const known = asAppError(error);
    if (known.code === 'internal') plan.scope.log.error({ err: error }, 'an event stream failed');
    const problem = problemOf(known, '/api/v1/events', plan.scope.requestId);
    await writer.end(
      sseMessage({ event: 'problem', data: JSON.stringify(problem) }),
      LAST_WORDS_MS,
    );
  }
}

async function follow(
  deps: ApiDeps,
  writer: SseWriter,
  plan: StreamPlan,
  signal: AbortSignal,
): Promise<void> {
  const { db, events, clock, bounds } = deps;
  let place = plan.after;
  let quietSince = clock.monotonic();
  let keyCheckedAt = quietSince;
  await put(writer, sseHeartbeat(cursorOf(plan.stream, place)));
  while (!signal.aborted) {
    if (clock.monotonic() - keyCheckedAt >= bounds.recheckKeyMs) {
      await plan.reauthorize();
      keyCheckedAt = clock.monotonic();
    }
    const version = events.version;
    const page = await readEvents(db, { after: place, limit: PAGE_SIZE, filter: plan.filter });
    const looked = page.upTo - place;
    place = page.upTo;
    if (page.events.length > 0) {
      await put(writer, page.events.map((event) => messageOf(plan.stream, event)).join(''));
      quietSince = clock.monotonic();
    } else if (clock.monotonic() - quietSince >= bounds.heartbeatMs) {
      await put(writer, sseHeartbeat(cursorOf(plan.stream, place)));
      quietSince = clock.monotonic();
    }
    const isCatchingUp = page.events.length === PAGE_SIZE || looked >= LONG_STRETCH;
    if (!isCatchingUp) await events.changed(version, signal);
  }
}

async function put(writer: SseWriter, text: string): Promise<void> {
  if ((await writer.write(text)) !== 'slow') return;
  throw new AppError({
    code: 'slow-consumer',
    detail:
      'This event stream was read too slowly and is ended. Go on from the last cursor; filter it, or read it faster.',
  });
}

function messageOf(stream: string, row: EventRecord): string {
  return sseMessage({ id: cursorOf(stream, row.seq), data: JSON.stringify(eventDto(row)) });
}

function apiEnds(): AppError {
  return new AppError({
    code: 'not-ready',
    detail: 'This API process ends. Connect again and go on from the last cursor.',
  });
}

import { ApiError, ApiUnreachable, errorOf } from './client-errors.ts';
import type { ClientOptions } from './client-options.ts';
import type { QueryOf } from './define-route.ts';
import { event, type Event } from './event-dto.ts';
import { problem } from './problem.ts';
import { eventRoutes } from './events.ts';
import { authorization, urlOf, type QueryValue } from './request-url.ts';
import { readSse } from './sse.ts';

/** An event and its cursor: follow with `after: cursor` to go on behind it. */
export interface FollowedEvent {
  readonly cursor: string;
  readonly event: Event;
}

export interface FollowOptions extends Partial<QueryOf<typeof eventRoutes.stream>> {
  readonly signal?: AbortSignal;
  /** Told before each wait for a reconnect. */
  readonly onReconnect?: (reason: string, waitMs: number) => void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/**
 * Follows the event stream without gap or double: after a break it waits (doubling, jittered, at most 10 s) and goes
 * on behind the last cursor it saw. Throws `ApiError` when the API refuses in a way that waiting cannot mend.
 */
export async function* followEvents(
  client: ClientOptions,
  options: FollowOptions,
): AsyncGenerator<FollowedEvent> {
  const { signal, onReconnect, ...query } = options;
  let after: string | undefined = query.after;
  let failures = 0;
  for (;;) {
    let reason = 'the stream ended';
    try {
      for await (const message of openStream(
        client,
        { ...query, ...(after === undefined ? {} : { after }) },
        signal,
      )) {
        failures = 0;
        if (message.id !== null) after = message.id;
        if (message.event === 'problem')
          reason = problem.parse(JSON.parse(message.data ?? '')).detail;
        if (message.event !== 'message' || message.data === null || message.id === null) continue;
        yield { cursor: message.id, event: event.parse(JSON.parse(message.data)) };
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!isPassing(error)) throw error;
      reason = error.message;
    }
    if (signal?.aborted) return;
    const waitMs =
      Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures) * (0.5 + client.random() / 2);
    failures += 1;
    onReconnect?.(reason, waitMs);
    await client.sleep(waitMs, signal);
    if (signal?.aborted) return;
  }
}

function isPassing(error: unknown): error is Error {
  return error instanceof ApiUnreachable || (error instanceof ApiError && error.problem.retryable);
}

async function* openStream(
  client: ClientOptions,
  query: Record<string, QueryValue | undefined>,
  signal: AbortSignal | undefined,
) {
  let response: Response;
  try {
    response = await client.fetch(urlOf(client.baseUrl, eventRoutes.stream.path, { query }), {
      headers: { ...authorization(client.apiKey), Accept: 'text/event-stream' },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    throw new ApiUnreachable({ baseUrl: client.baseUrl, reason: 'the connection failed', cause });
  }
  if (!response.ok) throw await errorOf(response, client.baseUrl);
  if (response.body === null)
    throw new ApiUnreachable({ baseUrl: client.baseUrl, reason: 'its answer was empty' });
  try {
    yield* readSse(response.body);
  } catch (cause) {
    throw new ApiUnreachable({ baseUrl: client.baseUrl, reason: 'the stream broke', cause });
  }
}

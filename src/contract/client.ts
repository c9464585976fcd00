import type { z } from 'zod';
import { ApiUnreachable, errorOf } from './client-errors.ts';
import type { ClientOptions } from './client-options.ts';
import type { AnswerOf, RouteSpec } from './define-route.ts';
import { followEvents, type FollowedEvent, type FollowOptions } from './follow-events.ts';
import { authorization, urlOf, type QueryValue } from './request-url.ts';
import { ROUTES, type Routes } from './routes.ts';

/** What a call takes: the parts that its route has. */
type Part<Key extends string, Schema> = Schema extends z.ZodType
  ? Record<never, never> extends z.input<Schema>
    ? { readonly [K in Key]?: z.input<Schema> }
    : { readonly [K in Key]: z.input<Schema> }
  : unknown;
type QueryPart<Schema> = Schema extends z.ZodType
  ? { readonly query?: Partial<z.output<Schema>> }
  : unknown;
export type CallInput<Route extends RouteSpec> = Part<'params', Route['params']> &
  QueryPart<Route['query']> &
  Part<'body', Route['body']> &
  (Route['idempotencyKey'] extends true ? { readonly idempotencyKey?: string } : unknown) & {
    readonly correlationId?: string;
    readonly signal?: AbortSignal;
  };

type Call<Route extends RouteSpec> =
  Record<never, never> extends CallInput<Route>
    ? (input?: CallInput<Route>) => Promise<AnswerOf<Route>>
    : (input: CallInput<Route>) => Promise<AnswerOf<Route>>;
type Calls<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends RouteSpec ? Call<Table[Name]> : never;
};

/** One method per route with a JSON answer, by resource; `events` follows the event stream. */
export type DashClient = {
  readonly [Resource in Exclude<keyof Routes, 'events' | 'operations'>]: Calls<Routes[Resource]>;
} & {
  readonly health: Calls<Pick<Routes['operations'], 'live' | 'ready'>>;
  /** Never ends by itself: reconnects and goes on after the last event, until `signal` aborts or the API refuses. */
  events(options?: FollowOptions): AsyncGenerator<FollowedEvent>;
};

/** Inputs as they are on the wire, after the types have been checked. */
interface WireInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, QueryValue | undefined>>;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  readonly signal?: AbortSignal;
}

/**
 * The typed client of the API: works in Node and browsers. A call resolves with the body of a 2xx answer and throws
 * `ApiError` (a problem document came back) or `ApiUnreachable` (none did).
 *
 * @example
 * const dash = createClient({ baseUrl, apiKey, fetch, sleep, random: Math.random });
 * const { task } = await dash.tasks.submit({ body: { prompt: 'Say hello' } });
 */
export function createClient(options: ClientOptions): DashClient {
  const call =
    (route: RouteSpec) =>
    (input: WireInput = {}) =>
      send(options, route, input);
  const calls = (routes: Record<string, RouteSpec>): Record<string, ReturnType<typeof call>> =>
    Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, call(route)]));
  const { events: _stream, operations, ...resources } = ROUTES;
  const client: Record<string, unknown> = {
    ...Object.fromEntries(
      Object.entries(resources).map(([name, routes]) => [name, calls(routes)] as const),
    ),
    health: calls({ live: operations.live, ready: operations.ready }),
    events: (follow: FollowOptions = {}) => followEvents(options, follow),
  };
  // built from the same table that the type is computed from
  return client as unknown as DashClient;
}

async function send(options: ClientOptions, route: RouteSpec, input: WireInput): Promise<unknown> {
  const response = await request(options, route, input);
  if (!response.ok) throw await errorOf(response, options.baseUrl);
  try {
    return await response.json();
  } catch (cause) {
    throw new ApiUnreachable({
      baseUrl: options.baseUrl,
      reason: 'its answer was cut off or is not JSON',
      cause,
    });
  }
}

/** Sends one request of a route; network failures become `ApiUnreachable`, an abort stays an abort. */
async function request(
  options: ClientOptions,
  route: RouteSpec,
  input: WireInput,
): Promise<Response> {
  const headers: Record<string, string> = {
    ...authorization(options.apiKey),
    Accept: 'application/json',
  };
  if (route.body !== undefined) headers['Content-Type'] = 'application/json';
  if (input.idempotencyKey !== undefined) headers['Idempotency-Key'] = input.idempotencyKey;
  if (input.correlationId !== undefined) headers['X-Correlation-Id'] = input.correlationId;
  try {
    return await options.fetch(urlOf(options.baseUrl, route.path, input), {
      method: route.method,
      headers,
      ...(route.body === undefined ? {} : { body: JSON.stringify(input.body ?? {}) }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    });
  } catch (cause) {
    if (input.signal?.aborted) throw cause;
    throw new ApiUnreachable({ baseUrl: options.baseUrl, reason: reasonOf(cause), cause });
  }
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return inner instanceof Error ? inner.message || inner.name : String(inner);
}

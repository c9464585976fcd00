import type { z } from 'zod';
import type { InputProblem } from '../domain/input-problems.ts';
import type { ErrorCode } from './errors.ts';
import type { Scope } from './scopes.ts';

/** A success answer: a JSON body with its schema, or another content type. */
export type ResponseSpec =
  | { readonly description: string; readonly schema: z.ZodType }
  | { readonly description: string; readonly contentType: string };

/**
 * One row of the route table. The API validates and dispatches by it, the OpenAPI document is made from it, the
 * client is typed by it: nothing that is not here is answered.
 */
export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` for each parameter of `params`. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** null: open to everybody. */
  readonly scope: Scope | null;
  /** `fleet`: only for a credential that is not bound to one tenant. */
  readonly reach?: 'fleet';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What is wrong with a body beyond its schema; asked even when the schema already fails, to say all at once. */
  readonly bodyProblems?: (body: unknown) => readonly InputProblem[];
  /** Takes an `Idempotency-Key` header. */
  readonly idempotencyKey?: true;
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** Beyond those that every route can answer (`commonErrors`). */
  readonly errors: readonly ErrorCode[];
}

/** Keeps the exact type of a route, so that handlers and the client know its shapes. */
export function defineRoute<const Route extends RouteSpec>(route: Route): Route {
  return route;
}

/** The errors that a route can answer besides its own: by what it reads, and by being a route. */
export function commonErrors(route: RouteSpec): readonly ErrorCode[] {
  const codes: ErrorCode[] = ['internal', 'database-unavailable'];
  if (route.scope !== null) codes.push('unauthenticated', 'scope-missing');
  if (route.reach === 'fleet') codes.push('tenant-not-allowed');
  if (route.params !== undefined || route.query !== undefined) codes.push('validation-failed');
  if (route.body !== undefined) {
    codes.push(
      'malformed-json',
      'validation-failed',
      'payload-too-large',
      'unsupported-media-type',
    );
  }
  return codes;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
export type ParamsOf<Route extends RouteSpec> = Parsed<Route['params']>;
export type QueryOf<Route extends RouteSpec> = Parsed<Route['query']>;
export type BodyOf<Route extends RouteSpec> = Parsed<Route['body']>;

/** The JSON bodies of a route's success answers. */
export type AnswerOf<Route extends RouteSpec> = {
  [Status in keyof Route['responses']]: Route['responses'][Status] extends {
    schema: infer Schema extends z.ZodType;
  }
    ? z.output<Schema>
    : never;
}[keyof Route['responses']];

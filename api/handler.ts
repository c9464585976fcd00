import type { Response } from 'express';
import type { z } from 'zod';
import type { Credential } from '../src/auth/credential.ts';
import type { BodyOf, ParamsOf, QueryOf, RouteSpec } from '../src/contract/define-route.ts';
import type { ApiDeps } from './api-deps.ts';
import type { RequestScope } from './request-scope.ts';

/** One authenticated, validated request of a route. */
export interface ApiCall<Route extends RouteSpec = RouteSpec> {
  readonly params: ParamsOf<Route>;
  readonly query: QueryOf<Route>;
  readonly body: BodyOf<Route>;
  /** The body as it was sent: what an Idempotency-Key stands for. */
  readonly rawBody: unknown;
  readonly idempotencyKey: string | null;
  readonly lastEventId: string | null;
  readonly credential: Route['scope'] extends null ? null : Credential;
  /** Throws when the credential has lost its validity since: what lasts long asks again. */
  readonly reauthorize: () => Promise<void>;
  readonly scope: RequestScope;
}

/** An answer that the route table declares: a status with its JSON body, a text, or a stream. */
export type Reply<Route extends RouteSpec = RouteSpec> = {
  [Status in keyof Route['responses'] & number]: Route['responses'][Status] extends {
    schema: infer Schema extends z.ZodType;
  }
    ? { readonly status: Status; readonly body: z.output<Schema> }
    : | { readonly status: Status; readonly text: string; readonly contentType: string }
      | { readonly status: Status; readonly stream: (res: Response) => Promise<void> };
}[keyof Route['responses'] & number];

export type Handler<Route extends RouteSpec> = (
  deps: ApiDeps,
  call: ApiCall<Route>,
) => Promise<Reply<Route>> | Reply<Route>;

/** One handler per route of a resource: the compiler refuses a missing one and one too many. */
export type Handlers<Table extends Record<string, RouteSpec>> = {
  readonly [Name in keyof Table]: Handler<Table[Name]>;
};

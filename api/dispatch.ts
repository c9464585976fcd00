import type { Request, Response } from 'express';
import type { Credential } from '../src/auth/credential.ts';
import type { RouteSpec } from '../src/contract/define-route.ts';
import { AppError } from '../src/contract/errors.ts';
import { grants } from '../src/contract/scopes.ts';
import type { ApiDeps } from './api-deps.ts';
import type { ApiCall, Reply } from './handler.ts';
import { createHandlers } from './handlers.ts';
import { readBody } from './read-body.ts';
import { parseRequest } from './parse-request.ts';
import { databaseUnavailable } from './problem-response.ts';
import type { RequestScope, RequestScopes } from './request-scope.ts';

/** A route of the table with its name `resource.route`. */
export interface TableEntry {
  readonly name: string;
  readonly route: RouteSpec;
}

/**
 * Carries a request of the table to its handler: who asks, may they, is it valid, and only then the handler, bounded
 * in time. A body is not read before its sender is known. Errors are thrown; express carries them to the problem
 * document.
 */
export function createDispatcher(
  deps: ApiDeps,
  scopes: RequestScopes,
): (entry: TableEntry | undefined, req: Request, res: Response) => Promise<void> {
  const handlers = createHandlers(deps);
  return async (entry: TableEntry | undefined, req: Request, res: Response): Promise<void> => {
    const handler = handlers.get(entry?.name ?? '');
    if (entry === undefined || handler === undefined) {
      throw new Error(`${req.method} ${req.path} has no handler`);
    }
    const { route } = entry;
    const scope = scopes.of(req);
    const reply = await within(deps, async () => {
      const credential = await authorize(deps, route, req);
      await readBody(req, res);
      const reauthorize = async (): Promise<void> => {
        await authorize(deps, route, req);
      };
      return handler(deps, callOf(route, req, { credential, reauthorize, scope }));
    });
    await send(res, scope, reply);
  };
}

/** Who asks, when the route is for them; null on an open route. */
async function authorize(
  deps: ApiDeps,
  route: RouteSpec,
  req: Request,
): Promise<Credential | null> {
  const needed = route.scope;
  if (needed === null) return null;
  const credential = await deps.authenticator.authenticate(req.get('authorization'));
  if (credential === null) {
    throw new AppError({
      code: 'unauthenticated',
      detail:
        'This route needs a valid API key. Send `Authorization: Bearer dash_…`; the admin key stands in the file admin-api-key of the data directory.',
    });
  }
  if (!grants(credential.scopes, needed)) {
    throw new AppError({
      code: 'scope-missing',
      detail: `This route needs the scope ${needed}, which the API key "${credential.name}" does not have. Use a key with it.`,
      details: { needed, held: credential.scopes },
    });
  }
  if (route.reach === 'fleet' && credential.tenant !== null) {
    throw new AppError({
      code: 'tenant-not-allowed',
      detail: `This route concerns all tenants, and the API key belongs to tenant "${credential.tenant}". Use a key for all tenants.`,
      details: { tenant: credential.tenant },
    });
  }
  return credential;
}

function callOf(
  route: RouteSpec,
  req: Request,
  who: { readonly credential: Credential | null } & Pick<ApiCall, 'reauthorize' | 'scope'>,
): ApiCall {
  const parsed = parseRequest(route, req);
  const lastEventId = req.get('last-event-id') ?? null;
  // the parts have the types of the route whose schemas have just parsed them
  return { ...parsed, ...who, lastEventId } as unknown as ApiCall;
}

/** Every dependency but PostgreSQL has a bound of its own, so what takes longer waits for PostgreSQL. */
async function within<Answer>(deps: ApiDeps, work: () => Promise<Answer>): Promise<Answer> {
  const done = new AbortController();
  const timeout = deps.clock.sleep(deps.bounds.requestTimeoutMs, done.signal).then(() => {
    if (done.signal.aborted) return null;
    throw databaseUnavailable(new Error(`no answer within ${deps.bounds.requestTimeoutMs} ms`));
  });
  const answer = work();
  try {
    await Promise.race([answer, timeout]);
    return await answer;
  } finally {
    done.abort();
    // whoever lost the race may still fail; nobody waits for it
    answer.catch(() => undefined);
  }
}

async function send(res: Response, scope: RequestScope, reply: Reply): Promise<void> {
  res.status(reply.status);
  res.set('Cache-Control', 'no-store');
  if ('body' in reply) {
    res.type('application/json').send(JSON.stringify(reply.body));
  } else if ('text' in reply) {
    res.type(reply.contentType).send(reply.text);
  } else {
    scope.isStream = true;
    await reply.stream(res);
  }
}

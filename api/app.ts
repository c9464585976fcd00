import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { AppError } from '../src/contract/errors.ts';
import { listRoutes } from '../src/contract/routes.ts';
import type { ApiDeps } from './api-deps.ts';
import { docsPageStyleHash } from './docs-page.ts';
import { createDispatcher, type TableEntry } from './dispatch.ts';
import { routeNotFound, sendProblem } from './problem-response.ts';
import { RequestScopes } from './request-scope.ts';

/** The express application: exactly the routes of the table, matched exactly; everything else is a problem document. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.set('case sensitive routing', true);
  app.set('strict routing', true);
  app.set('query parser', 'simple');
  app.set('etag', false);
  const scopes = new RequestScopes(deps);
  app.use((req, res, next) => {
    scopes.open(req, res);
    // A kept-alive connection would go on bringing requests, and the end would never come.
    if (deps.ending.aborted) res.set('Connection', 'close');
    next();
  });
  app.use(securityHeaders());
  const dispatch = createDispatcher(deps, scopes);
  for (const [path, methods] of routesByPath()) {
    app.all(expressPath(path), onlyDeclared(path, methods, scopes), (req, res) =>
      dispatch(methods.get(req.method), req, res),
    );
  }
  app.use((req) => {
    throw routeNotFound(`${req.method} ${req.path}`);
  });
  app.use((error: unknown, req: Request, res: Response, _next: NextFunction) => {
    sendProblem(req, res, scopes.of(req), error);
  });
  return app;
}

type Methods = ReadonlyMap<string, TableEntry>;

function routesByPath(): ReadonlyMap<string, Methods> {
  const paths = new Map<string, Map<string, TableEntry>>();
  for (const { name, route } of listRoutes()) {
    const methods = paths.get(route.path) ?? new Map<string, TableEntry>();
    methods.set(route.method, { name, route });
    paths.set(route.path, methods);
  }
  return paths;
}

function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** 405 before anything else is looked at: express itself would answer HEAD and OPTIONS. */
function onlyDeclared(path: string, methods: Methods, scopes: RequestScopes) {
  const allowed = [...methods.keys()].join(', ');
  return (req: Request, res: Response, next: NextFunction): void => {
    if (!methods.has(req.method)) {
      res.set('Allow', allowed);
      throw new AppError({
        code: 'method-not-allowed',
        detail: `${path} does not take ${req.method}; it takes ${allowed}.`,
        details: { allowed: [...methods.keys()] },
      });
    }
    scopes.of(req).route = path;
    next();
  };
}

function securityHeaders(): ReturnType<typeof helmet> {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: [docsPageStyleHash()],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // served on loopback without TLS by default; a proxy with TLS sets this by itself
    strictTransportSecurity: false,
  });
}

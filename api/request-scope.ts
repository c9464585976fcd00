import type { Request, Response } from 'express';
import type { Clock } from '../src/platform/clock.ts';
import { newId } from '../src/platform/ids.ts';
import type { Logger } from '../src/platform/logger.ts';
import type { Metrics } from '../src/telemetry/metrics.ts';

/** What belongs to one request from its first byte to its last. */
export interface RequestScope {
  readonly requestId: string;
  /** From `X-Correlation-Id`, else made here; goes into rows, events, logs and gateway frames. */
  readonly correlationId: string;
  readonly log: Logger;
  /** Path of the route table; `unmatched` until one was found. */
  route: string;
  /** A stream lasts as long as its reader: its time says nothing about the API. */
  isStream: boolean;
}

const SAFE_CORRELATION_ID = /^[A-Za-z0-9._:-]{1,100}$/;

/** Gives every request its ids, its log and its duration metric. */
export class RequestScopes {
  readonly #scopes = new WeakMap<Request, RequestScope>();
  readonly #deps: { readonly clock: Clock; readonly log: Logger; readonly metrics: Metrics };

  constructor(deps: { readonly clock: Clock; readonly log: Logger; readonly metrics: Metrics }) {
    this.#deps = deps;
  }

  open(req: Request, res: Response): void {
    const { clock, log } = this.#deps;
    const startedAt = clock.monotonic();
    const requestId = newId('req');
    const asked = req.get('x-correlation-id');
    const correlationId =
      asked !== undefined && SAFE_CORRELATION_ID.test(asked) ? asked : requestId;
    const scope: RequestScope = {
      requestId,
      correlationId,
      log: log.child({ requestId, correlationId }),
      route: 'unmatched',
      isStream: false,
    };
    this.#scopes.set(req, scope);
    res.set('X-Request-Id', requestId);
    res.set('X-Correlation-Id', correlationId);
    res.on('close', () => this.#done(req, res, scope, startedAt));
  }

  of(req: Request): RequestScope {
    const scope = this.#scopes.get(req);
    if (scope === undefined)
      throw new Error('a request without a scope: RequestScopes.open comes first');
    return scope;
  }

  #done(req: Request, res: Response, scope: RequestScope, startedAt: number): void {
    const seconds = (this.#deps.clock.monotonic() - startedAt) / 1_000;
    const { route } = scope;
    const status = res.writableFinished ? res.statusCode : 499;
    // methods outside of the table are anybody's invention: one label value for all of them
    const method = route === 'unmatched' ? 'any' : req.method;
    if (!scope.isStream) this.#deps.metrics.httpRequestDone({ route, method, status, seconds });
    scope.log.info(
      { method: req.method, route, status, durationMs: Math.round(seconds * 1_000) },
      'request',
    );
  }
}

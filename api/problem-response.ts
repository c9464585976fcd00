import type { Request, Response } from 'express';
import { AppError, ERRORS } from '../src/contract/errors.ts';
import { LIMITS } from '../src/contract/limits.ts';
import type { Problem } from '../src/contract/problem.ts';
import { isDatabaseUnavailable, isRetryable } from '../src/db/database-errors.ts';
import type { RequestScope } from './request-scope.ts';

/** Seconds after which a client may try again when nothing better is known. */
const RETRY_AFTER_SECONDS = 2;

/** Answers `error` as an RFC 9457 problem document. What is not expected is logged and tells nothing of its inside. */
export function sendProblem(
  req: Request,
  res: Response,
  scope: RequestScope,
  error: unknown,
): void {
  const known = asAppError(error);
  if (known.code === 'internal') scope.log.error({ err: error }, 'a request failed unexpectedly');
  else if (known.status >= 500)
    scope.log.warn({ code: known.code, err: known.cause }, known.message);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  if (known.retryable)
    res.set('Retry-After', String(known.retryAfterSeconds ?? RETRY_AFTER_SECONDS));
  if (known.status === 401) res.set('WWW-Authenticate', 'Bearer realm="dash"');
  const body = problemOf(known, req.path, scope.requestId);
  res.status(known.status).type('application/problem+json').send(JSON.stringify(body));
}

/** The document of an error. */
export function problemOf(error: AppError, instance: string, requestId: string): Problem {
  return {
    type: `/docs#${error.code}`,
    title: ERRORS[error.code].title,
    status: error.status,
    detail: error.message,
    instance,
    code: error.code,
    retryable: error.retryable,
    requestId,
    details: error.details === null ? null : { ...error.details },
  };
}

/** Every thrown thing as an error of the catalog. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseUnavailable(error) || isRetryable(error)) return databaseUnavailable(error);
  return ofBodyParser(error) ?? internal(error);
}

/** PostgreSQL is away; what an interrupted write did is unknown. */
export function databaseUnavailable(cause: unknown): AppError {
  return new AppError({
    code: 'database-unavailable',
    detail:
      'PostgreSQL did not answer, so the request was not completed; whether a write took effect is not known. ' +
      'Repeat it shortly, with the same Idempotency-Key if it has one.',
    cause,
  });
}

function internal(cause: unknown): AppError {
  return new AppError({
    code: 'internal',
    detail:
      'Dash failed on this request; its log has the reason beside the request id. Repeating it may help.',
    cause,
  });
}

/** What express's body parser and path decoder throw. */
function ofBodyParser(error: unknown): AppError | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof URIError)
    return routeNotFound('a path that is not valid percent-encoding', error);
  switch ('type' in error ? error.type : null) {
    case 'entity.parse.failed':
    case 'request.size.invalid':
    case 'request.aborted':
      return new AppError({
        code: 'malformed-json',
        detail: `The body could not be read as JSON: ${error.message}. Send valid JSON in UTF-8.`,
        cause: error,
      });
    case 'entity.too.large':
      return new AppError({
        code: 'payload-too-large',
        detail: `The body is larger than the limit of ${LIMITS.bodyBytes} bytes. Shorten it.`,
        details: { limitBytes: LIMITS.bodyBytes },
        cause: error,
      });
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return unsupportedMediaType(error.message, error);
    default:
      return null;
  }
}

export function unsupportedMediaType(what: string, cause?: unknown): AppError {
  return new AppError({
    code: 'unsupported-media-type',
    detail: `The body cannot be read: ${what}. Send it with Content-Type: application/json, in UTF-8.`,
    cause,
  });
}

export function routeNotFound(what: string, cause?: unknown): AppError {
  return new AppError({
    code: 'route-not-found',
    detail: `The API has no route for ${what}. /docs lists all routes; case and a trailing slash count.`,
    cause,
  });
}

import type { Request } from 'express';
import type { z } from 'zod';
import { formatPath, problemsOf, type InputProblem } from '../src/domain/input-problems.ts';
import type { RouteSpec } from '../src/contract/define-route.ts';
import { AppError } from '../src/contract/errors.ts';
import type { ValidationIssue } from '../src/contract/problem.ts';
import { unstorableTexts } from './unstorable-text.ts';

/** The parts of a request after validation; a part that its route does not have is undefined. */
export interface ParsedRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly rawBody: unknown;
  readonly idempotencyKey: string | null;
}

type Part = 'params' | 'query' | 'body';

/**
 * Validates everything that a route takes and says everything that is wrong at once: 422 with all issues, or 413
 * when a text is over its limit.
 */
export function parseRequest(route: RouteSpec, req: Request): ParsedRequest {
  const rawBody: unknown = req.method === 'GET' ? undefined : (req.body ?? {});
  const params = parsePart('params', route.params, req.params);
  const query = parsePart('query', route.query, { ...req.query });
  const body = parsePart('body', route.body, rawBody);
  const key = parseIdempotencyKey(route, req);
  const issues = [
    ...params.issues,
    ...query.issues,
    ...body.issues,
    ...(route.bodyProblems?.(rawBody) ?? []).map((problem) => issueOf('body', problem)),
    ...key.issues,
  ];
  if (issues.length > 0) throw invalid(issues, body.overLimit);
  return {
    params: params.value,
    query: query.value,
    body: body.value,
    rawBody,
    idempotencyKey: key.value,
  };
}

interface ParsedPart {
  readonly value: unknown;
  readonly issues: readonly ValidationIssue[];
  /** Set when a text is larger than its limit. */
  readonly overLimit: number | null;
}

function parsePart(part: Part, schema: z.ZodType | undefined, input: unknown): ParsedPart {
  const unstorable = unstorableTexts(input).map((problem) => issueOf(part, problem));
  if (schema === undefined) return withoutSchema(part, input, unstorable);
  const result = schema.safeParse(input);
  if (result.success) return { value: result.data, issues: unstorable, overLimit: null };
  const issues = problemsOf(result.error, schema, input).map((problem) => issueOf(part, problem));
  return {
    value: undefined,
    issues: [...issues, ...unstorable],
    overLimit: limitExceeded(result.error),
  };
}

/** A part that the route does not know must be empty: something in it was meant for another route. */
function withoutSchema(
  part: Part,
  input: unknown,
  unstorable: readonly ValidationIssue[],
): ParsedPart {
  const isEmpty =
    input === undefined ||
    (typeof input === 'object' && input !== null && Object.keys(input).length === 0);
  const issues = isEmpty ? [] : [{ path: part, message: `this route takes no ${part}` }];
  return { value: undefined, issues: [...issues, ...unstorable], overLimit: null };
}

function limitExceeded(error: z.ZodError): number | null {
  for (const issue of error.issues) {
    const limitBytes: unknown = issue.code === 'custom' ? issue.params?.['limitBytes'] : undefined;
    if (typeof limitBytes === 'number') return limitBytes;
  }
  return null;
}

function issueOf(part: Part, problem: InputProblem): ValidationIssue {
  const path = problem.path.length === 0 ? part : formatPath([part, ...problem.path]);
  return { path, message: problem.message };
}

function invalid(issues: readonly ValidationIssue[], overLimit: number | null): AppError {
  const list = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  if (overLimit !== null) {
    return new AppError({
      code: 'payload-too-large',
      detail: `A text of the request is too large: ${list}. Shorten it.`,
      details: { limitBytes: overLimit, issues },
    });
  }
  return new AppError({
    code: 'validation-failed',
    detail: `The request is not valid: ${list}. Correct this and send it again; nothing was changed.`,
    details: { issues },
  });
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

function parseIdempotencyKey(
  route: RouteSpec,
  req: Request,
): { readonly value: string | null; readonly issues: readonly ValidationIssue[] } {
  const key = route.idempotencyKey === true ? req.get('idempotency-key') : undefined;
  if (key === undefined) return { value: null, issues: [] };
  if (IDEMPOTENCY_KEY.test(key)) return { value: key, issues: [] };
  const message = 'must be 1 to 200 printable ASCII characters without spaces';
  return { value: null, issues: [{ path: 'header.Idempotency-Key', message }] };
}

/** Turns whatever a command threw into an exit code and what is said about it. */
import { z } from 'zod';
import { ApiError, ApiUnreachable } from '../src/contract/client-errors.ts';
import { validationIssue } from '../src/contract/problem.ts';
import { CliError, type ErrorDetail } from './cli-error.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Problem } from './output/output.ts';

export interface ExplainedError {
  readonly exitCode: ExitCode;
  readonly problem: Problem;
}

/** Total: anything that can be thrown gets a code and a sentence; an unexpected one keeps its stack. */
export function explainError(error: unknown): ExplainedError {
  if (error instanceof CliError) {
    const { exitCode, code, message, hint, details } = error;
    return { exitCode, problem: { code, message, hint, details } };
  }
  if (error instanceof Error && error.name === 'ConfigError') {
    return {
      exitCode: EXIT.usage,
      problem: { code: 'invalid-configuration', message: error.message },
    };
  }
  if (error instanceof ApiError) return explainApiError(error);
  if (error instanceof ApiUnreachable) {
    return {
      exitCode: EXIT.unreachable,
      problem: {
        code: 'unreachable',
        message: error.message,
        hint: 'Start Dash with `npm start` (or `dashctl up`), or name another address with --url or DASH_URL. `dashctl doctor` says what it finds.',
      },
    };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exitCode: EXIT.defect,
    problem: {
      code: 'defect',
      message: text,
      hint: 'This is a defect of dashctl; please report it with the lines above.',
    },
  };
}

function explainApiError(error: ApiError): ExplainedError {
  const { code, detail, requestId, details } = error.problem;
  return {
    exitCode: exitCodeOf(error.problem.status),
    problem: {
      code,
      message: detail,
      details: issuesOf(details),
      hint: hintFor(error),
      requestId,
    },
  };
}

/** The groups of the reference page: who has to do something about it. */
function exitCodeOf(status: number): ExitCode {
  switch (status) {
    case 401:
    case 403:
      return EXIT.denied;
    case 404:
      return EXIT.notFound;
    case 409:
    case 410:
      return EXIT.conflict;
    case 429:
      return EXIT.unreachable;
    default:
      return status >= 500 ? EXIT.unreachable : EXIT.usage;
  }
}

const issueList = z.array(validationIssue);

function issuesOf(details: Readonly<Record<string, unknown>> | null): readonly ErrorDetail[] {
  const issues = issueList.safeParse(details?.['issues']);
  return issues.success ? issues.data.map(({ path, message }) => ({ where: path, message })) : [];
}

function hintFor(error: ApiError): string | undefined {
  const { status, code, retryable } = error.problem;
  if (status === 401) {
    return 'Give the key with DASH_API_KEY or --api-key. `dashctl up` writes its admin key into its data directory (--data-dir).';
  }
  if (code === 'route-not-found' || code === 'method-not-allowed') {
    return 'The API at this address is of another version than this dashctl, or something else answers there.';
  }
  if (!retryable) return undefined;
  return error.retryAfterSeconds === null
    ? 'Try again in a moment.'
    : `Try again in ${error.retryAfterSeconds} s.`;
}

import { problem, type Problem } from './problem.ts';

/** The API answered with a problem document; `message` is its detail. */
export class ApiError extends Error {
  readonly problem: Problem;
  /** From `Retry-After`; null: the API did not say. */
  readonly retryAfterSeconds: number | null;

  constructor(options: { readonly problem: Problem; readonly retryAfterSeconds: number | null }) {
    super(options.problem.detail);
    this.name = 'ApiError';
    this.problem = options.problem;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** No answer of a Dash API came: nothing listens there, the connection broke, or something else answered. */
export class ApiUnreachable extends Error {
  readonly baseUrl: string;

  constructor(options: {
    readonly baseUrl: string;
    readonly reason: string;
    readonly cause?: unknown;
  }) {
    super(
      `no answer from a Dash API at ${options.baseUrl}: ${options.reason}. Is it running there, and is the address right?`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'ApiUnreachable';
    this.baseUrl = options.baseUrl;
  }
}

/** What an answer that is not 2xx becomes. */
export async function errorOf(
  response: Response,
  baseUrl: string,
): Promise<ApiError | ApiUnreachable> {
  const text = await response.text().catch(() => '');
  const parsed = problem.safeParse(parseJson(text));
  if (!parsed.success) {
    return new ApiUnreachable({
      baseUrl,
      reason: `it answered ${response.status} without a problem document`,
    });
  }
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiError({
    problem: parsed.data,
    retryAfterSeconds: Number.isFinite(seconds) ? seconds : null,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Every error that the API can answer. A code is never renamed or given another meaning: clients decide by it.
 * Each has a page `docs/errors/<code>.md`. `retryable`: the same request may succeed later, unchanged.
 */
export const ERRORS = {
  'malformed-json': { status: 400, retryable: false, title: 'The body is not JSON' },
  unauthenticated: { status: 401, retryable: false, title: 'No valid API key' },
  'scope-missing': { status: 403, retryable: false, title: 'The API key may not do this' },
  'tenant-not-allowed': {
    status: 403,
    retryable: false,
    title: 'The API key belongs to another tenant',
  },
  'not-an-approver': {
    status: 403,
    retryable: false,
    title: 'Others were asked for this approval',
  },
  'route-not-found': { status: 404, retryable: false, title: 'No such path' },
  'task-not-found': { status: 404, retryable: false, title: 'No such task' },
  'swarm-not-found': { status: 404, retryable: false, title: 'No such swarm' },
  'approval-not-found': { status: 404, retryable: false, title: 'No such approval' },
  'schedule-not-found': { status: 404, retryable: false, title: 'No such schedule' },
  'session-not-found': { status: 404, retryable: false, title: 'No such session' },
  'bulk-operation-not-found': { status: 404, retryable: false, title: 'No such bulk operation' },
  'gateway-not-found': { status: 404, retryable: false, title: 'No such gateway' },
  'chain-not-found': { status: 404, retryable: false, title: 'No such dashboard chain' },
  'budget-not-found': { status: 404, retryable: false, title: 'No such budget' },
  'pool-not-found': { status: 404, retryable: false, title: 'No such pool' },
  'tenant-not-found': { status: 404, retryable: false, title: 'No such tenant' },
  'method-not-allowed': {
    status: 405,
    retryable: false,
    title: 'The path does not take this method',
  },
  'idempotency-conflict': {
    status: 409,
    retryable: false,
    title: 'The Idempotency-Key belongs to another request',
  },
  'nothing-to-decide': {
    status: 409,
    retryable: false,
    title: 'No attempt of the task waits for a decision',
  },
  'already-decided': { status: 409, retryable: false, title: 'Another decision was taken before' },
  'dead-letter-closed': { status: 409, retryable: false, title: 'The task is no open dead letter' },
  'session-busy': {
    status: 409,
    retryable: false,
    title: 'Something of the session may still run where it is',
  },
  'task-not-waiting': { status: 409, retryable: false, title: 'The task does not wait' },
  'pool-in-use': { status: 409, retryable: false, title: 'The pool is in use' },
  'swarm-ended': { status: 409, retryable: false, title: 'The swarm has ended' },
  'gateway-exists': { status: 409, retryable: false, title: 'The gateway id is taken' },
  'gateway-refuses': {
    status: 409,
    retryable: false,
    title: 'The gateway does not take this command now',
  },
  'cursor-expired': {
    status: 410,
    retryable: false,
    title: 'The cursor belongs to another event stream',
  },
  'payload-too-large': { status: 413, retryable: false, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, retryable: false, title: 'The body must be JSON' },
  'validation-failed': { status: 422, retryable: false, title: 'The request is not valid' },
  'limit-reached': { status: 429, retryable: true, title: 'A bound on open work is reached' },
  'too-many-streams': { status: 429, retryable: true, title: 'Too many event streams are open' },
  'slow-consumer': {
    status: 429,
    retryable: true,
    title: 'The event stream was read too slowly',
  },
  internal: { status: 500, retryable: false, title: 'Dash failed' },
  'database-unavailable': { status: 503, retryable: true, title: 'PostgreSQL does not answer' },
  'temporal-unavailable': { status: 503, retryable: true, title: 'Temporal does not answer' },
  'not-ready': { status: 503, retryable: true, title: 'A required dependency is down' },
} as const satisfies Record<string, ErrorEntry>;

export interface ErrorEntry {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
}
export type ErrorCode = keyof typeof ERRORS;

export interface AppErrorOptions {
  readonly code: ErrorCode;
  /** What happened and what to do, one or two sentences for a person. */
  readonly detail: string;
  /** Facts for programs: the bound, the state, the list of issues. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An expected failure with a code of the catalog; whoever answers a person turns it into a problem document. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly retryAfterSeconds: number | null;

  constructor(options: AppErrorOptions) {
    super(options.detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = options.code;
    this.status = ERRORS[options.code].status;
    this.retryable = ERRORS[options.code].retryable;
    this.details = options.details ?? null;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

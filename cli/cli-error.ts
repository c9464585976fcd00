import type { ExitCode } from './exit-codes.ts';

/**
 * An expected end of a command: `message` says what happened, `hint` what to do about it. Everything
 * else that is thrown is a defect and shows its stack.
 */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** For programs: stable, lower-case words. */
  readonly code: string;
  readonly hint: string | undefined;
  /** Single findings, one per line (all errors of an input at once). */
  readonly details: readonly ErrorDetail[];

  constructor(options: {
    exitCode: ExitCode;
    code: string;
    message: string;
    hint?: string;
    details?: readonly ErrorDetail[];
    cause?: unknown;
  }) {
    super(options.message, { cause: options.cause });
    this.name = 'CliError';
    this.exitCode = options.exitCode;
    this.code = options.code;
    this.hint = options.hint;
    this.details = options.details ?? [];
  }
}

/** `where` is a place in the input: `line:column path`, an option, a JSON path. */
export interface ErrorDetail {
  readonly where: string;
  readonly message: string;
}

import { ApiUnreachable } from '../src/contract/client-errors.ts';
import { CliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './exit-codes.ts';

const REPEAT_AFTER_MS = [300, 1_000];

/**
 * Submits under an idempotency key, so that a lost answer (which does not say whether the work was
 * accepted) is met by asking again. Throws a CliError (exit 3) with the key when none came at all.
 */
export async function submitSafely<Answer>(options: {
  context: CliContext;
  idempotencyKey: string;
  submit: (idempotencyKey: string) => Promise<Answer>;
}): Promise<Answer> {
  const { context, idempotencyKey, submit } = options;
  for (const waitMs of REPEAT_AFTER_MS) {
    try {
      return await submit(idempotencyKey);
    } catch (error) {
      if (!(error instanceof ApiUnreachable)) throw error;
      if (neverArrived(error)) throw error;
      await context.clock.sleep(waitMs, context.signal);
    }
  }
  try {
    return await submit(idempotencyKey);
  } catch (error) {
    if (!(error instanceof ApiUnreachable) || neverArrived(error)) throw error;
    throw new CliError({
      exitCode: EXIT.unreachable,
      code: 'acceptance-unknown',
      message: `${error.message} It is not known whether the work was accepted.`,
      hint: `Repeat the command with --idempotency-key ${idempotencyKey}: accepted work is then answered, not doubled.`,
      cause: error,
    });
  }
}

/** Refused before a connection stood: nothing can have been accepted, and asking again at once is no use. */
function neverArrived(error: ApiUnreachable): boolean {
  return codesOf(error).some((code) => NO_CONNECTION.has(code));
}

const NO_CONNECTION = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** The system error codes along the causes of an error (fetch hides them one or two levels down). */
function codesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  const inner = Array.isArray(errors) ? errors.flatMap(codesOf) : [];
  return [...(typeof code === 'string' ? [code] : []), ...inner, ...codesOf(cause)];
}

/**
 * What goes wrong on one machine, said so that a person can act on it: `message` is what happened
 * and what to do, in sentences; `code` is for programs and tests.
 */
export type LocalErrorCode =
  | 'unsupported-platform'
  | 'disk-full'
  | 'not-writable'
  | 'data-dir-in-use'
  | 'port-unavailable'
  | 'temporal-unavailable'
  | 'temporal-start-failed'
  | 'postgres-unavailable'
  | 'postgres-start-failed'
  | 'openclaw-unavailable'
  | 'download-failed'
  | 'checksum-mismatch'
  | 'child-start-failed';

/** An expected trouble of the machine. `message` = what happened + what to do; `cause` = the original error. */
export class LocalError extends Error {
  readonly code: LocalErrorCode;

  constructor(options: { code: LocalErrorCode; happened: string; toDo: string; cause?: unknown }) {
    super(`${options.happened} ${options.toDo}`, { cause: options.cause });
    this.name = 'LocalError';
    this.code = options.code;
  }
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : undefined;
}

/**
 * Turns a file system error met at `path` into a sentence: a full disk, a directory that may not be
 * written. Anything else is returned as it came, for it is a defect and wants its stack.
 */
export function explainFileError(error: unknown, path: string): unknown {
  const code = systemErrorCode(error) ?? '';
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    return new LocalError({
      code: 'disk-full',
      happened: `The disk that holds ${path} is full.`,
      toDo: 'Free some space (Dash and its tools need about 2 GB) and run the command again; it goes on where it stopped.',
      cause: error,
    });
  }
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) {
    return new LocalError({
      code: 'not-writable',
      happened: `${path} may not be written by this user.`,
      toDo: 'Give this user the right to write there, or choose another directory with DASH_DATA_DIR or DASH_CACHE_DIR.',
      cause: error,
    });
  }
  return error;
}

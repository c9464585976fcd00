import { AppError } from '../../src/contract/errors.ts';

const FORM = /^([a-z0-9]{1,64})\.(\d{1,15})$/;

/** A place in an event stream as clients hold it: `<stream>.<seq>`. */
export function cursorOf(stream: string, seq: number): string {
  return `${stream}.${seq}`;
}

/**
 * The place that a cursor stands for in `stream`. One of another stream is refused: after a restore the same numbers
 * mean other events (P36).
 */
export function seqOfCursor(cursor: string, stream: string): number {
  const [, theirs, seq] = FORM.exec(cursor) ?? [];
  if (theirs === undefined || seq === undefined) {
    const message = 'must be the id of an event that was received';
    throw new AppError({
      code: 'validation-failed',
      detail: `The request is not valid: header.Last-Event-ID: ${message}. Leave it out to follow from now on.`,
      details: { issues: [{ path: 'header.Last-Event-ID', message }] },
    });
  }
  if (theirs !== stream) {
    throw new AppError({
      code: 'cursor-expired',
      detail:
        'The cursor belongs to another event stream: the database was restored or replaced since. ' +
        'Read what you need of tasks and swarms again, then follow from now on, or with after=start.',
      details: { cursorStream: theirs, stream },
    });
  }
  return Number(seq);
}

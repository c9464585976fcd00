import { AppError } from '../src/contract/errors.ts';

/** One page of a list; the cursor is the place of its last row, and is there when more rows may follow. */
export function pageOf<Row, Dto>(
  rows: readonly Row[],
  limit: number,
  options: { readonly placeOf: (row: Row) => number; readonly toDto: (row: Row) => Dto },
): { items: Dto[]; nextCursor: string | null } {
  const last = rows.length < limit ? undefined : rows.at(-1);
  return {
    items: rows.map((row) => options.toDto(row)),
    nextCursor: last === undefined ? null : String(options.placeOf(last)),
  };
}

/** The place that a cursor stands for; undefined without a cursor. */
export function placeOfCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  const message = 'must be the nextCursor of the page before';
  throw new AppError({
    code: 'validation-failed',
    detail: `The request is not valid: query.cursor: ${message}. Take it from the page before, or leave it out.`,
    details: { issues: [{ path: 'query.cursor', message }] },
  });
}

/** Tables for people: aligned columns, cut to the terminal's width; whole when it goes into a file. */
import { harmless, shorten, widthOf } from './text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | null | undefined;
  readonly align?: 'left' | 'right';
  /** Gives way first when the terminal is too narrow. */
  readonly canShrink?: boolean;
}

const GAP = '  ';
const NARROWEST = 8;

/**
 * The table as lines, header first. `width` is the terminal's, undefined for files and pipes. A cell
 * without a value is `-`. Foreign text is made harmless.
 */
export function renderTable<Row>(options: {
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  width?: number | undefined;
}): string[] {
  const { columns, rows } = options;
  const cells = rows.map((row) => columns.map((column) => cellText(column.value(row))));
  const widths = columns.map((column, index) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[index] ?? ''))),
  );
  if (options.width !== undefined) shrink(columns, widths, options.width);
  const draw = (line: readonly string[]): string =>
    line
      .map((text, index) => pad(text, widths[index] ?? 0, columns[index]?.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  return [draw(columns.map(({ title }) => title)), ...cells.map(draw)];
}

function cellText(value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === '') return '-';
  return harmless(String(value));
}

/** Takes the missing room from the shrinkable columns, the widest first. */
function shrink(columns: readonly Column<never>[], widths: number[], room: number): void {
  const total = (): number =>
    widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (total() > room) {
    let widest = -1;
    for (const [index, width] of widths.entries()) {
      if (columns[index]?.canShrink !== true || width <= NARROWEST) continue;
      if (widest < 0 || width > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const fitted = shorten(text, width);
  const fill = ' '.repeat(Math.max(0, width - widthOf(fitted)));
  return align === 'right' ? fill + fitted : fitted + fill;
}

/** Name and value pairs, one per line, the values below each other; empty values are left out. */
export function renderFields(
  fields: readonly (readonly [string, string | number | null | undefined])[],
): string[] {
  const shown = fields.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...shown.map(([name]) => widthOf(name)));
  return shown.map(([name, value]) => `${pad(name, width, 'left')}  ${harmless(String(value))}`);
}

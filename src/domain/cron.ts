/** The five fields of a cron expression, as Temporal reads them. */

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const MINUTE: Field = { name: 'minute', least: 0, most: 59 };
const HOUR: Field = { name: 'hour', least: 0, most: 23 };
const DAY: Field = { name: 'day of month', least: 1, most: 31 };
const MONTH: Field = { name: 'month', least: 1, most: 12, names: MONTHS };
const WEEKDAY: Field = { name: 'day of week', least: 0, most: 7, names: DAYS };
const FIELDS = [MINUTE, HOUR, DAY, MONTH, WEEKDAY] as const;

const SHORTHANDS = ['@yearly', '@monthly', '@weekly', '@daily', '@hourly'];
const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const FORM =
  'a cron has five fields (minute hour day-of-month month day-of-week), like "30 6 * * MON-FRI", or is one of ' +
  SHORTHANDS.join(', ');

/**
 * What is wrong with a cron expression, with what is allowed; null: it can be used. A date that no year has is wrong
 * too: it would wait for ever.
 */
export function cronProblem(text: string): string | null {
  if (SHORTHANDS.includes(text)) return null;
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS.length || text.startsWith('@')) {
    return `"${text}" is no cron: ${FORM}; intervals are asked for with everySeconds, a zone with timeZone`;
  }
  const values: (ReadonlySet<number> | string)[] = FIELDS.map((field, index) =>
    valuesOf(fields[index] ?? '', field),
  );
  const problem = values.find((value) => typeof value === 'string');
  if (typeof problem === 'string') return problem;
  const [, , days, months] = values as ReadonlySet<number>[];
  return neverHappens(days ?? new Set(), months ?? new Set())
    ? `"${text}" never happens: none of its months has such a day`
    : null;
}

function neverHappens(days: ReadonlySet<number>, months: ReadonlySet<number>): boolean {
  const first = Math.min(...days);
  return [...months].every((month) => (DAYS_OF_MONTH[month - 1] ?? 0) < first);
}

/** The values that a field names, or what is wrong with it. */
function valuesOf(text: string, field: Field): ReadonlySet<number> | string {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const range = rangeOf(part, field);
    if (range === null) return `the ${field.name} "${text}" is wrong: ${allowed(field)}`;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return values;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** `*`, `5`, `1-5`, each perhaps with `/2`; `5/10` is "from 5 on, each tenth". */
function rangeOf(part: string, field: Field): Range | null {
  const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,2}))?$/.exec(part);
  if (match === null) return null;
  const [, all, begin = '', end, every] = match;
  const step = every === undefined ? 1 : Number(every);
  if (step < 1) return null;
  if (all !== undefined) return { from: field.least, to: field.most, step };
  const from = valueOf(begin, field);
  if (from === null) return null;
  const to = end === undefined ? (every === undefined ? from : field.most) : valueOf(end, field);
  return to === null || to < from ? null : { from, to, step };
}

function valueOf(text: string, { least, most, names }: Field): number | null {
  const named = names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return named + least;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : -1;
  return value >= least && value <= most ? value : null;
}

function allowed({ least, most, names }: Field): string {
  const named = names === undefined ? '' : ` or ${names[0] ?? ''} to ${names.at(-1) ?? ''}`;
  return `${least} to ${most}${named}, with *, ranges a-b that go up, lists a,b and steps /n`;
}

import { nearest } from './input-problems.ts';

const SHAPE = /^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)*$/;

/** What is wrong with the name of a time zone; null: it is one. Names are those of the IANA database, case included. */
export function timeZoneProblem(name: string): string | null {
  if (SHAPE.test(name) && isKnown(name)) return null;
  const near = nearest(name, ['UTC', ...Intl.supportedValuesOf('timeZone')]);
  const hint = near === null ? 'like Europe/Berlin, America/New_York or UTC' : `perhaps ${near}`;
  return `"${name}" is no IANA time zone; write one as in the time zone database, ${hint}`;
}

function isKnown(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

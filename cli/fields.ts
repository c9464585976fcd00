/** How values are written on a command line; all refuse with a sentence that shows the right form. */
import { z } from 'zod';

/** A whole number, at least 1. */
export const positiveCount = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'must be a whole number, at least 1')
  .transform(Number);

/** A number greater than 0, with or without decimals. */
export const positiveNumber = z
  .string()
  .regex(/^(?=.*[1-9])\d{1,7}(\.\d{1,6})?$/, 'must be a number greater than 0, like 2 or 0.5')
  .transform(Number);

/** A bound: a whole number, at least 1, or `none` (null). */
export const boundOrNone = z
  .string()
  .regex(/^([1-9]\d{0,8}|none)$/, 'must be a whole number, at least 1, or none')
  .transform((text) => (text === 'none' ? null : Number(text)));

/** An amount of USD greater than 0. */
export const positiveUsd = z
  .string()
  .regex(/^(?=.*[1-9])\d{1,9}(\.\d{1,9})?$/, 'must be an amount of USD greater than 0, like 2.50')
  .transform(Number);

/** `90`, `90s`, `15m`, `2h`, `1d` as seconds. */
export const spanSeconds = z
  .string()
  .regex(/^[1-9]\d{0,8}[smhd]?$/, 'must be a time span like 90s, 15m, 2h or 1d')
  .transform((text) => {
    const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[text.at(-1) ?? ''];
    return Number.parseInt(text, 10) * (unit ?? 1);
  });

/** A moment: ISO 8601 with a zone, or a time span from now (`+15m`). */
export const momentText = z
  .string()
  .regex(
    /^(\+[1-9]\d{0,8}[smhd]?|\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))$/,
    'must be a moment like 2026-11-22T15:00:00Z, or a span from now like +15m',
  );

/** The moment as ISO 8601, spans counted from `nowMs`. */
export function momentFrom(text: string, nowMs: number): string {
  if (!text.startsWith('+')) return text;
  return new Date(nowMs + spanSeconds.parse(text.slice(1)) * 1000).toISOString();
}

/** `a,b` and repeated options alike, as one list; undefined when none was given. */
export const textList = z
  .union([z.string().transform((text) => [text]), z.array(z.string())])
  .transform((texts) => texts.flatMap((text) => text.split(',')).filter((text) => text !== ''))
  .optional();

/** `name=value` options as a record. */
export const pairs = z
  .array(z.string().regex(/^[^=]+=.*$/, 'must be written as name=value'))
  .transform((list) =>
    Object.fromEntries(
      list.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
    ),
  )
  .optional();

export const flag = z.boolean().default(false);

/** Without the keys that were not given: an absent filter is not an empty one. */
export function defined<Shape extends Record<string, unknown>>(
  shape: Shape,
): { [Key in keyof Shape]?: NonNullable<Shape[Key]> } {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Shape]?: NonNullable<Shape[Key]>;
  };
}

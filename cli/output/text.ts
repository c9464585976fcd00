/** Text for terminals: what others wrote is made harmless, widths are those that a person sees. */
import { stripVTControlCharacters } from 'node:util';

/**
 * Removes everything by which foreign text (prompts, answers, gateway messages) could steer a
 * terminal. `keepLines` leaves line breaks and tabs in place; otherwise they become single spaces.
 */
export function harmless(text: string, options: { keepLines?: boolean } = {}): string {
  const plain = stripVTControlCharacters(text).replace(/\r\n?/g, '\n');
  if (options.keepLines === true) return plain.replace(/[^\P{Cc}\n\t]/gu, '');
  return plain.replace(/[\n\t]+/g, ' ').replace(/\p{Cc}/gu, '');
}

const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60])/u;
const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that a text takes on a terminal; colour codes take none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(stripVTControlCharacters(text))) {
    width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

/** Cuts a plain text to at most `columns`, ending in `…` when something was cut off. */
export function shorten(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const { segment } of GRAPHEMES.segment(text)) {
    width += widthOf(segment);
    if (width > columns) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

const MAX_QUOTE_CHARS = 160;
const MAX_TERMS = 5;
const LONGEST_TERM = 30;

/**
 * The answer of the built-in stub model: the same for the same prompt, honest about being a stub, and made of the
 * prompt's own words so that results of a swarm can be told apart.
 */
export function stubAnswer(prompt: string): string {
  const flat = prompt.replace(/\s+/g, ' ').trim();
  const quote = flat.length > MAX_QUOTE_CHARS ? `${flat.slice(0, MAX_QUOTE_CHARS)}…` : flat;
  const terms = termsOf(flat);
  const about = terms.length === 0 ? '' : ` Its main terms: ${terms.join(', ')}.`;
  return `[stub model, no real model was asked] I read ${countWords(flat)} words: "${quote}".${about}`;
}

function countWords(text: string): number {
  return text === '' ? 0 : text.split(' ').length;
}

/** The most frequent longer words, first seen first among equals. */
function termsOf(text: string): string[] {
  const counts = new Map<string, number>();
  for (const word of text.toLowerCase().match(/\p{L}{5,}/gu) ?? []) {
    if (word.length <= LONGEST_TERM) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .sort((left, right) => right[1] - left[1])
    .slice(0, MAX_TERMS)
    .map(([word]) => word);
}

import { randomUUIDv7 } from 'node:crypto';

/**
 * What gets an id of its own here. Gateway ids are chosen by people, attempt ids by the claim.
 */
export type IdKind = 'task' | 'swarm' | 'bulk' | 'schedule' | 'approval' | 'req' | 'host';

/** Order-preserving base32 without i, l, o, u; lower case, because OpenClaw lower-cases the keys made from ids. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const ID_CHARS = 26;

/** A new id `<kind>-<26 characters [0-9a-z]>` from a UUID of version 7: ids of one kind sort by their time. */
export function newId(kind: IdKind): string {
  return `${kind}-${base32(randomUUIDv7())}`;
}

function base32(uuid: string): string {
  let rest = BigInt(`0x${uuid.replaceAll('-', '')}`);
  let text = '';
  for (let digit = 0; digit < ID_CHARS; digit += 1) {
    text = ALPHABET.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return text;
}

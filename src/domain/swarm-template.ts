/**
 * Prompts with placeholders. What a person writes is parsed once, at accept, into parts; from then on texts are
 * only texts: an item or an output that happens to contain braces is never read as a reference.
 */

/** A piece of an expanded prompt: text as it stands, or the output of another node of the swarm. */
export type PromptPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly nodeId: string };

/** A piece of a prompt as written; the expansion of the strategy replaces the last three. */
export type WrittenPart =
  | PromptPart
  | { readonly kind: 'item' }
  | { readonly kind: 'outputs' }
  | { readonly kind: 'previous' };

/** Payload limit of one prompt, in bytes of UTF-8. */
export const PROMPT_LIMIT_BYTES = 256 * 1024;

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;
const NODE_OUTPUT = /^nodes\.([a-z0-9_-]+)\.output$/;

/**
 * Splits a prompt at `{{item}}`, `{{outputs}}`, `{{previous.output}}` and `{{nodes.<id>.output}}`.
 * Other double braces are text: prompts may well be about templates.
 */
export function parsePrompt(prompt: string): readonly WrittenPart[] {
  const parts: WrittenPart[] = [];
  let end = 0;
  for (const match of prompt.matchAll(PLACEHOLDER)) {
    const part = placeholder(match[1] ?? '');
    if (part === null) continue;
    if (match.index > end) parts.push({ kind: 'text', text: prompt.slice(end, match.index) });
    parts.push(part);
    end = match.index + match[0].length;
  }
  if (end < prompt.length) parts.push({ kind: 'text', text: prompt.slice(end) });
  return parts;
}

function placeholder(inside: string): WrittenPart | null {
  if (inside === 'item') return { kind: 'item' };
  if (inside === 'outputs') return { kind: 'outputs' };
  if (inside === 'previous.output') return { kind: 'previous' };
  const nodeId = NODE_OUTPUT.exec(inside)?.[1];
  return nodeId === undefined ? null : { kind: 'output', nodeId };
}

/**
 * What is wrong with the placeholders of a prompt: one that means nothing in this place, a reference that is
 * misspelt, or the one that must be there and is not.
 */
export function checkPlaceholders(
  prompt: string,
  rule: {
    readonly placeholders: readonly string[];
    readonly needed?: string;
    readonly why?: string;
  },
): readonly string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const match of prompt.matchAll(PLACEHOLDER)) {
    const inside = match[1] ?? '';
    const part = placeholder(inside);
    if (part === null && !/^(nodes|previous)\b/.test(inside)) continue;
    const written = part?.kind === 'output' ? '{{nodes.<id>.output}}' : `{{${inside}}}`;
    seen.add(written);
    if (!rule.placeholders.includes(written)) {
      problems.push(
        `"${match[0]}" means nothing here; what can be used: ${rule.placeholders.join(', ')}`,
      );
    }
  }
  if (rule.needed !== undefined && !seen.has(rule.needed)) {
    problems.push(`never mentions ${rule.needed}: ${rule.why ?? 'it is needed here'}`);
  }
  return problems;
}

/** Ids of the nodes whose output a prompt reads, each once. */
export function referencedNodes(parts: readonly WrittenPart[]): readonly string[] {
  const ids = parts.flatMap((part) => (part.kind === 'output' ? [part.nodeId] : []));
  return [...new Set(ids)];
}

export type ResolvedPrompt =
  | { readonly kind: 'resolved'; readonly prompt: string }
  /** A referenced node has no output to give. */
  | { readonly kind: 'missing'; readonly nodeId: string }
  | {
      readonly kind: 'too-large';
      readonly sizeBytes: number;
      readonly limitBytes: number;
      /** The node whose output takes the most room, if any does. */
      readonly largestNodeId: string | null;
    };

/**
 * The prompt that is sent: each reference replaced by that node's output. An output is inserted as it is and
 * never parsed. A prompt over the limit is not cut but refused, with its largest contribution by name.
 */
export function resolvePrompt(
  parts: readonly PromptPart[],
  outputs: ReadonlyMap<string, string>,
  limitBytes: number = PROMPT_LIMIT_BYTES,
): ResolvedPrompt {
  const texts: string[] = [];
  const sizes = new Map<string, number>();
  let sizeBytes = 0;
  for (const part of parts) {
    const text = part.kind === 'text' ? part.text : outputs.get(part.nodeId);
    if (text === undefined) return { kind: 'missing', nodeId: nodeIdOf(part) };
    const bytes = byteLength(text);
    if (part.kind === 'output') sizes.set(part.nodeId, (sizes.get(part.nodeId) ?? 0) + bytes);
    sizeBytes += bytes;
    texts.push(text);
  }
  if (sizeBytes > limitBytes) {
    const largest = [...sizes].sort((a, b) => b[1] - a[1])[0];
    return { kind: 'too-large', sizeBytes, limitBytes, largestNodeId: largest?.[0] ?? null };
  }
  return { kind: 'resolved', prompt: texts.join('') };
}

function nodeIdOf(part: PromptPart): string {
  return part.kind === 'output' ? part.nodeId : '';
}

/** Bytes of a text in UTF-8: what limits are counted in. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

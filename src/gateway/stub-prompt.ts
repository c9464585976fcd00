import { asList, asRecord } from './json-value.ts';
import { RECOVERY_PREFIX, textOf } from './transcript.ts';

/** What a prompt asks of a stand-in, by words anywhere in it. */
export interface Directives {
  /** `[[say:text]]`: answer this. */
  readonly say: string | null;
  /** `[[calls:n]]`: ask for a tool until this is the n-th call of the turn. */
  readonly calls: number;
  /** `[[sleep:ms]]`: wait first. */
  readonly sleepMs: number;
  /** `[[status:code]]`: refuse with this HTTP status. */
  readonly status: number | null;
  /** `[[hang]]`: never answer. */
  readonly hang: boolean;
  /** `[[drop]]`: cut the connection in the middle of the answer. */
  readonly drop: boolean;
}

export function readDirectives(prompt: string): Directives {
  const status = Number(directive(prompt, 'status'));
  return {
    say: directive(prompt, 'say'),
    calls: Math.max(1, Number(directive(prompt, 'calls') ?? 1) || 1),
    sleepMs: Math.max(0, Number(directive(prompt, 'sleep') ?? 0) || 0),
    status: Number.isInteger(status) && status >= 400 && status <= 599 ? status : null,
    hang: directive(prompt, 'hang') !== null,
    drop: directive(prompt, 'drop') !== null,
  };
}

/** The value of `[[name]]` (empty) or `[[name:value]]`, null when absent. */
export function directive(prompt: string, name: string): string | null {
  const match = new RegExp(`\\[\\[${name}(?::([^\\]]*))?\\]\\]`).exec(prompt);
  return match === null ? null : (match[1] ?? '');
}

/** OpenClaw appends a user message of its own behind the person's. */
const OWN_CONTEXT = '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>';

/**
 * What the person or task said last, without what OpenClaw puts around it: its own context message, the time in
 * front, the runtime line behind. A turn that is resumed after a crash counts as the words it resumes.
 */
export function promptOf(messages: unknown): string {
  const said = asList(messages)
    .map(asRecord)
    .filter((message) => message['role'] === 'user')
    .map((message) => bare(textOf(message['content'])))
    .filter((text) => text !== '' && !text.startsWith(OWN_CONTEXT));
  const last = said.at(-1) ?? '';
  if (!last.startsWith(RECOVERY_PREFIX)) return last;
  return said.findLast((text) => !text.startsWith(RECOVERY_PREFIX)) ?? last;
}

/** How many answers of tools came in since a person or task spoke last: model calls of this turn before this one. */
export function toolResultsOf(messages: unknown): number {
  const roles = asList(messages)
    .map(asRecord)
    .filter((message) => !textOf(message['content']).trimStart().startsWith(OWN_CONTEXT))
    .map((message) => message['role']);
  return roles.slice(roles.lastIndexOf('user') + 1).filter((role) => role === 'tool').length;
}

function bare(text: string): string {
  const withoutTime = text.trimStart().replace(/^\[[^\]\n]*\d{4}-\d{2}-\d{2}[^\]\n]*\] /, '');
  return (withoutTime.split('\n\nRuntime: ')[0] ?? '').trim();
}

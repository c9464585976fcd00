import type { Moment } from './why-facts.ts';

/** `0 s`, `42 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return pair(hours, 'h', minutes % 60, 'min');
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** ` for 3 min`, or nothing when the moment is not known. */
export function forSpan(since: Moment | null): string {
  return since === null ? '' : ` for ${spanWords(since.agoMs)}`;
}

/** `in 3 min`, or `now` when it is due. */
export function inSpan(until: Moment | null): string {
  if (until === null || until.agoMs >= 0) return 'now';
  return `in ${spanWords(-until.agoMs)}`;
}

/** `1 task`, `3 tasks`. */
export function howMany(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `a, b and 3 more`. */
export function listWords(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most);
  const left = names.length - shown.length;
  return left === 0 ? shown.join(', ') : `${shown.join(', ')} and ${left} more`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const head = `${large} ${largeUnit}`;
  return small === 0 ? head : `${head} ${small} ${smallUnit}`;
}

/** How figures are said to people. Machines get the raw ones with --json. */

/** `850 ms`, `12.4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (Math.round(seconds) < 60)
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const pair = (large: number, unit: string, small: number, smallUnit: string): string =>
    small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
  const whole = Math.round(seconds);
  if (whole < 3600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(seconds / 3600);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** `12 s ago`; `-` for what never was. `at` is an ISO time stamp. */
export function age(at: string | null | undefined, nowMs: number): string {
  if (at === null || at === undefined) return '-';
  return `${duration(Math.max(0, nowMs - Date.parse(at)))} ago`;
}

/** `$0.0123`; four places, because one answer costs cents at most. `-` when the gateway did not say. */
export function money(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return '-';
  return `$${usd.toFixed(4)}`;
}

/** `1 task`, `3 tasks`. */
export function count(amount: number, singular: string, plural = `${singular}s`): string {
  return `${amount} ${amount === 1 ? singular : plural}`;
}

/**
 * Loaded before a program of Dash (`node --import`), it makes the wall clock of that process jump: `Date` is off by
 * the milliseconds that the file in CHAOS_CLOCK_FILE holds. The monotonic clock and timers stay right, as when an
 * administrator or a time server sets the clock of a machine.
 */
import { readFileSync } from 'node:fs';

const READ_EVERY_MS = 100;

const file = process.env['CHAOS_CLOCK_FILE'] ?? '';
const RightDate = Date;
let offsetMs = 0;

function readOffset(): void {
  // Half a number can be met while it is written; the next look is soon.
  const read = Number(readFileSync(file, 'utf8'));
  if (Number.isFinite(read)) offsetMs = read;
}

const now = (): number => RightDate.now() + offsetMs;

if (file !== '') {
  readOffset();
  setInterval(readOffset, READ_EVERY_MS).unref();
  globalThis.Date = new Proxy(RightDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new RightDate(now()).toString(),
    get: (target, key, receiver) =>
      key === 'now' ? now : (Reflect.get(target, key, receiver) as unknown),
  });
}

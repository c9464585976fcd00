import type { Unsubscribe } from './connection.ts';

export function subscribe<T>(
  listeners: Set<(value: T) => void>,
  listener: (value: T) => void,
): Unsubscribe {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

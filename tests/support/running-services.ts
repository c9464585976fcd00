/** Hands the running services from jest's global set-up to its tear-down, which it loads as separate programs. */
import type { TestServices } from './test-services.ts';

const KEY = Symbol.for('dash.test-services');

export function rememberServices(services: TestServices): void {
  Reflect.set(globalThis, KEY, services);
}

export function recallServices(): TestServices | undefined {
  return Reflect.get(globalThis, KEY) as TestServices | undefined;
}

import type { Environment } from './environment.ts';

/** The environment of this process: the only place that reads it. Hand it on as a value. */
export function processEnvironment(): Environment {
  return process.env;
}

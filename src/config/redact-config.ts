import { REDACTED, redactDeep } from '../platform/redact.ts';
import type { DashConfig } from './load.ts';
import { allSettings, valueAt, withValue } from './settings.ts';

/** The configuration as it may be shown or logged: secrets are replaced, also inside connections. */
export function redactConfig(config: DashConfig): Record<string, unknown> {
  const secrets = allSettings().filter(({ secret }) => secret === true);
  const shown = secrets.reduce<Record<string, unknown>>(
    (tree, { path }) =>
      valueAt(tree, path) === undefined ? tree : withValue(tree, path, REDACTED),
    { ...config },
  );
  return redactDeep({
    ...shown,
    temporal: { ...config.temporal, connection: undefined },
  }) as Record<string, unknown>;
}

import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { ConfigError } from './config-error.ts';
import type { Environment } from './environment.ts';
import type { Settings } from './schema.ts';

/** How to reach Temporal. `address` is null when nothing names one: `dashctl up` then starts a dev server. */
export interface TemporalSettings {
  readonly address: string | null;
  readonly namespace: string;
  /** For `NativeConnection.connect`: address, TLS, API key, headers. */
  readonly connection: ClientConnectConfig['connectionOptions'];
}

/**
 * Completes the settings with what the `temporal` CLI would use too: the TEMPORAL_* variables, and a
 * profile file when TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE asks for one. Temporal Cloud needs nothing
 * else. Throws ConfigError when that file cannot be read.
 */
export function temporalSettings(
  settings: Settings['temporal'],
  env: Environment,
): TemporalSettings {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('TEMPORAL_') && value !== undefined && value !== '')
      variables[name] = value;
  }
  if (settings.address !== undefined) variables['TEMPORAL_ADDRESS'] = settings.address;
  if (settings.namespace !== 'default') variables['TEMPORAL_NAMESPACE'] = settings.namespace;
  const namesFile = 'TEMPORAL_CONFIG_FILE' in variables || 'TEMPORAL_PROFILE' in variables;
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({
      overrideEnvVars: variables,
      disableFile: !namesFile,
    });
    return {
      address: connectionOptions.address ?? null,
      namespace: namespace ?? settings.namespace,
      connection: connectionOptions,
    };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([{ setting: 'temporal', source: 'TEMPORAL_*', message }]);
  }
}

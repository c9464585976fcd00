import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { ConfigError } from './config-error.ts';
import type { Environment } from './environment.ts';
import { loadConfig, type ConfigFlags, type DashConfig } from './load.ts';
import { processEnvironment } from './process-env.ts';
import { projectDir } from './project-dir.ts';

/**
 * The configuration of this process: its environment, `dash.yaml` of the project (or the file that
 * DASH_CONFIG names, which must exist then), and the given flags. Throws ConfigError.
 */
export function loadProcessConfig(flags: ConfigFlags = {}): DashConfig {
  const env = processEnvironment();
  const baseDir = projectDir();
  const file = configFile(env, baseDir);
  return loadConfig({ env, flags, baseDir, ...(file === undefined ? {} : { file }) });
}

/** sysexits: the configuration is wrong, so starting again without a change cannot help. */
const EX_CONFIG = 78;

/** As `loadProcessConfig`; what is wrong is a sentence for a person on standard error, and the process ends with 78. */
export function configOrExit(): DashConfig {
  try {
    return loadProcessConfig();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EX_CONFIG);
  }
}

function configFile(env: Environment, baseDir: string): { path: string; text: string } | undefined {
  const named = env['DASH_CONFIG'];
  const isNamed = named !== undefined && named !== '';
  const path = isNamed
    ? isAbsolute(named)
      ? named
      : join(process.cwd(), named)
    : join(baseDir, 'dash.yaml');
  if (!isNamed && !existsSync(path)) return undefined;
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([
      {
        setting: path,
        source: isNamed ? 'DASH_CONFIG' : path,
        message: `cannot be read: ${reason}`,
      },
    ]);
  }
}

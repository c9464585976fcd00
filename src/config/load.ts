import { isAbsolute, join } from 'node:path';
import { formatPath, nearest, problemsOf, type InputProblem } from '../domain/input-problems.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { parseConfigFile, type ParsedConfigFile } from './config-file.ts';
import { modelProvider, type ModelProvider } from './model-provider.ts';
import { OTHER_PREFIXES, OTHER_VARIABLES } from './other-variables.ts';
import type { Environment } from './environment.ts';
import { configSchema, type Settings } from './schema.ts';
import { allSettings, valueAt, withValue, type SettingSpec } from './settings.ts';
import { temporalSettings, type TemporalSettings } from './temporal-settings.ts';

/** What the command line says: settings by their names in the schema. */
export type ConfigFlags = Readonly<Record<string, unknown>>;

/** Everything a process needs to know, ready for use: paths are absolute, connections described. */
export interface DashConfig extends Omit<Settings, 'temporal' | 'model'> {
  readonly temporal: TemporalSettings;
  readonly model: ModelProvider;
}

/**
 * Puts the configuration together, in this order of strength: flags, environment, file, defaults.
 * Pure of the process: everything comes from its arguments. Throws ConfigError with *every* problem
 * at once: unknown settings (also misspelt `DASH_*` variables) with the name that was likely meant,
 * values out of bounds with the place to change.
 */
export function loadConfig(options: {
  env: Environment;
  flags?: ConfigFlags;
  file?: { path: string; text: string };
  /** Relative paths count from here: the project's directory. */
  baseDir: string;
}): DashConfig {
  const { env, flags = {} } = options;
  const file = options.file === undefined ? undefined : parseConfigFile(options.file);
  const specs = allSettings();
  const layers = { flags, env, file, specs };
  const input = merge(layers);
  const parsed = configSchema.safeParse(input);
  const problems = [
    ...unknownVariables(env, specs),
    ...(parsed.success ? [] : problemsOf(parsed.error, configSchema, input)).map((problem) =>
      explain(problem, layers),
    ),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const settings = parsed.data;
  const { workflowBundle } = settings;
  return {
    ...settings,
    dataDir: absolute(options.baseDir, settings.dataDir),
    ...(workflowBundle === undefined
      ? {}
      : { workflowBundle: absolute(options.baseDir, workflowBundle) }),
    temporal: temporalSettings(settings.temporal, env),
    model: modelProvider(settings.model),
  };
}

interface Layers {
  readonly flags: ConfigFlags;
  readonly env: Environment;
  readonly file: ParsedConfigFile | undefined;
  readonly specs: readonly SettingSpec[];
}

function merge({ flags, env, file, specs }: Layers): Record<string, unknown> {
  const fromEnv = specs.reduce<Record<string, unknown>>(
    (tree, spec) => (isSet(env[spec.env]) ? withValue(tree, spec.path, env[spec.env]) : tree),
    { ...file?.content },
  );
  return leaves(flags, []).reduce(
    (tree, { path, value }) => (value === undefined ? tree : withValue(tree, path, value)),
    fromEnv,
  );
}

function leaves(
  tree: ConfigFlags,
  path: readonly string[],
): { path: readonly string[]; value: unknown }[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? leaves(value as ConfigFlags, [...path, key])
      : [{ path: [...path, key], value }],
  );
}

/** Names the place that a person has to change: the flag, the variable, or the line of the file. */
function explain(problem: InputProblem, { flags, env, file, specs }: Layers): ConfigProblem {
  const setting = formatPath(problem.path);
  const path = problem.path.map(String);
  const spec = specs.find((one) => one.path.join('.') === path.join('.'));
  const message = problem.message;
  if (valueAt(flags, path) !== undefined) {
    return {
      setting,
      source: `--${path.join('-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      message,
    };
  }
  if (spec !== undefined && isSet(env[spec.env])) return { setting, source: spec.env, message };
  return { setting, source: file === undefined ? setting : file.locate(problem.path), message };
}

function unknownVariables(env: Environment, specs: readonly SettingSpec[]): ConfigProblem[] {
  const known = [...specs.map((spec) => spec.env), ...OTHER_VARIABLES.map(({ name }) => name)];
  return Object.keys(env)
    .filter((name) => name.startsWith('DASH_') && isSet(env[name]) && !known.includes(name))
    .filter((name) => !OTHER_PREFIXES.some((prefix) => name.startsWith(prefix)))
    .map((name) => {
      const near = nearest(name, known);
      const hint = near === null ? 'see docs/reference/configuration.md' : `did you mean ${near}?`;
      return { setting: name, source: name, message: `is not a setting of Dash; ${hint}` };
    });
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== '';
}

function absolute(baseDir: string, path: string): string {
  return isAbsolute(path) ? path : join(baseDir, path);
}

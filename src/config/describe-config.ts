import { OTHER_VARIABLES } from './other-variables.ts';
import { allSettings, type SettingSpec } from './settings.ts';

/** Every setting in words, for `docs/reference/configuration.md`: a complete Markdown page. */
export function describeConfig(): string {
  const rows = allSettings().map(
    (spec) =>
      `| \`${spec.path.join('.')}\` | \`${spec.env}\` | ${shownDefault(spec)} | ${meaning(spec)} |`,
  );
  return [
    '# Configuration',
    '',
    'Strongest first: flags of a command, environment variables, the file `dash.yaml` in the project',
    '(or where `DASH_CONFIG` says), defaults. In the file a dot means a nested mapping (`api.port` is',
    '`port` below `api`). An unknown setting or variable is an error that names what was likely meant.',
    'Durations are milliseconds.',
    '',
    '| setting | environment variable | default | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Some variables are read before there is a configuration, or by `dashctl` alone:',
    '',
    '| environment variable | meaning |',
    '|---|---|',
    ...OTHER_VARIABLES.map(({ name, description }) => `| \`${name}\` | ${description} |`),
    '',
  ].join('\n');
}

function shownDefault({ defaultValue }: SettingSpec): string {
  return defaultValue === undefined ? '' : `\`${JSON.stringify(defaultValue)}\``;
}

function meaning({ description, secret }: SettingSpec): string {
  return secret === true ? `${description} Secret: never shown or logged.` : description;
}

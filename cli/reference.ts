/** The reference page of the command line (docs/reference/cli.md), made from the commands themselves. */
import type { Command, OptionSpec } from './command.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { GLOBAL_OPTIONS, PROGRAM_SUMMARY } from './program.ts';

/** The page as Markdown. Pure: the same commands give the same text. */
export function cliReference(commands: readonly Command[]): string {
  return `${[
    '# dashctl',
    '<!-- Made from cli/commands.ts by `npm run gen`; a test compares them. -->',
    PROGRAM_SUMMARY,
    'stdout carries results and nothing else; what is said to people on the way goes to stderr. With `--json`, stdout is',
    'one JSON document, or one per line where a command streams, and errors are one JSON line on stderr.',
    '## Exit codes',
    table(
      ['code', 'meaning'],
      EXIT_MEANINGS.map(({ code, meaning }) => [String(code), meaning]),
    ),
    '## Options of every command',
    optionTable(GLOBAL_OPTIONS),
    ...commands.map(section),
  ].join('\n\n')}\n`;
}

function section(command: Command): string {
  const name = command.path.join(' ');
  const call = [
    'dashctl',
    name,
    ...command.arguments.map(({ name: argument, optional }) =>
      optional === true ? `[${argument}]` : `<${argument}>`,
    ),
    ...(command.options.length > 0 ? ['[options]'] : []),
  ].join(' ');
  const parts = [
    `## dashctl ${name}`,
    `${command.summary}.`,
    '```\n' + call + '\n```',
    command.details,
    command.arguments.length === 0
      ? undefined
      : table(
          ['argument', ''],
          command.arguments.map(({ name: argument, help }) => [`\`${argument}\``, help]),
        ),
    command.options.length === 0 ? undefined : optionTable(command.options),
    command.examples.length === 0 ? undefined : '```sh\n' + command.examples.join('\n') + '\n```',
  ];
  return parts.filter((part) => part !== undefined).join('\n\n');
}

function optionTable(options: readonly OptionSpec[]): string {
  return table(
    ['option', ''],
    options.map(({ flags, help, choices }) => [
      `\`${flags}\``,
      choices === undefined ? help : `${help}: ${choices.join(', ')}`,
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

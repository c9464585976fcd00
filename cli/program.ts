/** Turns the command table into commander's parser, and what the parser finds into one call of a command. */
import { Command as Parser, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Command, OptionSpec } from './command.ts';
import { inputName } from './command.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

/** The options that every command has, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--json', help: 'print JSON on stdout and nothing else; errors as JSON on stderr' },
  {
    flags: '--url <url>',
    help: 'address of the API (else DASH_URL, else the instance that `dashctl up` runs here)',
  },
  {
    flags: '--api-key <key>',
    help: 'API key (else DASH_API_KEY, else the key file of `dashctl up`)',
  },
  {
    flags: '--data-dir <dir>',
    help: 'data directory of `dashctl up` (else DASH_DATA_DIR, else .dash of the project)',
  },
  { flags: '--no-color', help: 'no colours (also: NO_COLOR)' },
];

export const PROGRAM_SUMMARY =
  'Run agent work on a fleet of OpenClaw gateways, and keep that fleet reachable.';

const GROUPS: Readonly<Record<string, string>> = {
  task: 'Submit, watch and decide single tasks',
  'dead-letter': 'Look through work that died, repeat it or give it up',
  decision: 'See what only a person can decide',
  swarm: 'Run graphs of tasks',
  session: 'Look at conversations, move them, set them apart',
  policy: 'What happens by itself to work that did not end well',
  gateway: 'Register and operate gateways',
  events: 'Follow what happens',
};

/** What the command line asks for: a command and what it was given, or a text (help, version) to print. */
export type Invocation =
  | { readonly kind: 'run'; readonly command: Command; readonly raw: Record<string, unknown> }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'usage-error'; readonly message: string };

/**
 * Parses `argv` (without node and script). Never prints and never exits: help and errors come back as
 * values.
 */
export function parseInvocation(options: {
  argv: readonly string[];
  commands: readonly Command[];
  version: string;
}): Invocation {
  let found: Invocation | undefined;
  let printed = '';
  const write = (text: string): void => void (printed += text);
  const root = buildParser(options, (command, raw) => {
    found = { kind: 'run', command, raw };
  });
  for (const parser of allParsers(root)) {
    parser.exitOverride().configureOutput({
      writeOut: write,
      writeErr: write,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  }
  try {
    root.parse([...options.argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || (error.code === 'commander.help' && options.argv.length === 0)) {
      return { kind: 'text', text: printed };
    }
    return { kind: 'usage-error', message: usageMessage(error, printed) };
  }
  return found ?? { kind: 'text', text: root.helpInformation() };
}

/** Whether a flag stands on the command line, for what must be known even when parsing fails. */
export function hasFlag(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(flag);
}

function buildParser(
  options: { commands: readonly Command[]; version: string },
  onRun: (command: Command, raw: Record<string, unknown>) => void,
): Parser {
  const root = new Parser('dashctl')
    .description(PROGRAM_SUMMARY)
    .version(options.version, '--version', 'print the version')
    .helpOption('-h, --help', 'explain a command')
    .helpCommand('help [command]', 'explain a command')
    .showSuggestionAfterError(true)
    .addHelpText('after', () => `\n${exitCodeHelp()}`);
  for (const spec of GLOBAL_OPTIONS) root.addOption(toOption(spec));
  const groups = new Map<string, Parser>();
  for (const command of options.commands) {
    const [first = '', second] = command.path;
    const parent =
      second === undefined ? root : (groups.get(first) ?? makeGroup(root, groups, first));
    addCommand(parent, second ?? first, command, onRun);
  }
  return root;
}

function makeGroup(root: Parser, groups: Map<string, Parser>, name: string): Parser {
  const group = root
    .command(name)
    .description(GROUPS[name] ?? '')
    .helpCommand(false);
  groups.set(name, group);
  return group;
}

function addCommand(
  parent: Parser,
  name: string,
  command: Command,
  onRun: (command: Command, raw: Record<string, unknown>) => void,
): void {
  const parser = parent
    .command(name)
    .summary(command.summary)
    .description([command.summary, command.details].filter(Boolean).join('\n\n'))
    .helpCommand(false)
    .allowExcessArguments(false);
  for (const spec of command.arguments) {
    parser.argument(spec.optional === true ? `[${spec.name}]` : `<${spec.name}>`, spec.help);
  }
  for (const spec of command.options) parser.addOption(toOption(spec));
  if (command.examples.length > 0) {
    const lines = command.examples.map((example) => `  ${example}`);
    parser.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  }
  parser.action((...given: unknown[]) => {
    const raw: Record<string, unknown> = { ...parser.optsWithGlobals() };
    for (const [index, spec] of command.arguments.entries()) {
      if (given[index] !== undefined) raw[inputName(spec.name)] = given[index];
    }
    onRun(command, raw);
  });
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.help);
  if (spec.repeatable !== true)
    return spec.choices === undefined ? option : option.choices([...spec.choices]);
  return option.argParser((value: string, before: unknown) => {
    if (spec.choices !== undefined && !spec.choices.includes(value)) {
      throw new InvalidArgumentError(`Allowed choices are ${spec.choices.join(', ')}.`);
    }
    return [...(Array.isArray(before) ? (before as string[]) : []), value];
  });
}

function allParsers(root: Parser): Parser[] {
  return [root, ...root.commands.flatMap((child) => allParsers(child))];
}

/** A group called without a command prints its help through the error channel; say what is missing instead. */
function usageMessage(error: CommanderError, printed: string): string {
  if (error.code === 'commander.help') return `A command is missing.\n\n${printed.trim()}`;
  return printed.trim().replace(/^error: /, '') || error.message;
}

function exitCodeHelp(): string {
  const lines = EXIT_MEANINGS.map(({ code, meaning }) => `  ${String(code).padEnd(4)} ${meaning}`);
  return `Exit codes:\n${lines.join('\n')}`;
}

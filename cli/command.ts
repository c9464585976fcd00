/**
 * Commands are data: one value says how a command is called, what it means and what it runs. The
 * parser, `--help` and the reference page (docs/reference/cli.md) are made from it, so they agree.
 */
import type { z } from 'zod';
import { CliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface ArgumentSpec {
  /** As in `<task-id>`; the input has it in camel case (`taskId`). */
  readonly name: string;
  readonly help: string;
  readonly optional?: boolean;
}

export interface OptionSpec {
  /** As commander takes it: `--priority <level>`, `--wait`, `--no-color`. */
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
  /** May be given several times; the input has a list. */
  readonly repeatable?: boolean;
}

export interface Command {
  /** `['task', 'submit']` is called as `dashctl task submit`. */
  readonly path: readonly string[];
  readonly summary: string;
  /** Further paragraphs for the help page. */
  readonly details?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** Whole command lines. */
  readonly examples: readonly string[];
  /** Runs it on what the parser found (arguments by camel-case name, options by commander's name). */
  execute(raw: Readonly<Record<string, unknown>>, context: CliContext): Promise<ExitCode>;
}

/** Makes a command; `input` parses and types what the parser found. A refusal of it is exit code 2. */
export function defineCommand<Input>(
  spec: Omit<Command, 'execute' | 'arguments' | 'options' | 'examples'> & {
    readonly arguments?: readonly ArgumentSpec[];
    readonly options?: readonly OptionSpec[];
    readonly examples?: readonly string[];
    readonly input: z.ZodType<Input>;
    readonly run: (input: Input, context: CliContext) => Promise<ExitCode>;
  },
): Command {
  const { input, run, ...rest } = spec;
  return {
    ...rest,
    arguments: spec.arguments ?? [],
    options: spec.options ?? [],
    examples: spec.examples ?? [],
    execute: async (raw, context) => {
      const parsed = input.safeParse(raw);
      if (!parsed.success) throw invalidInput(spec, parsed.error);
      return run(parsed.data, context);
    },
  };
}

/** `--idempotency-key <key>` → `idempotencyKey`, `--no-color` → `color`; the name under which the input has it. */
export function inputName(flagsOrName: string): string {
  const long = /--(?:no-)?([a-z0-9-]+)/.exec(flagsOrName)?.[1] ?? flagsOrName;
  return long.replace(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}

function invalidInput(
  spec: { readonly options?: readonly OptionSpec[]; readonly path: readonly string[] },
  error: z.ZodError,
): CliError {
  const place = (path: readonly PropertyKey[]): string => {
    const name = String(path[0] ?? '');
    const option = (spec.options ?? []).find(({ flags }) => inputName(flags) === name);
    return option === undefined ? name : (/--[a-z0-9-]+/.exec(option.flags)?.[0] ?? name);
  };
  return new CliError({
    exitCode: EXIT.usage,
    code: 'usage',
    message: `The command cannot be carried out as it stands.`,
    details: error.issues.map(({ path, message }) => ({ where: place(path), message })),
    hint: `See: dashctl ${spec.path.join(' ')} --help`,
  });
}

import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { SwarmSpecInput } from '../src/domain/swarm-schema.ts';
import { parseSwarmSpec } from '../src/domain/swarm-spec.ts';
import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { count } from './output/format.ts';
import { inOrder, parsePositionedYaml, type PlacedProblem } from './positioned-yaml.ts';

export type CheckedSwarm =
  | { readonly kind: 'ok'; readonly spec: SwarmSpecInput; readonly nodeCount: number }
  | { readonly kind: 'invalid'; readonly problems: readonly PlacedProblem[] };

/** Parses and checks the text of a swarm file. Total: an invalid one gives at least one placed problem. */
export function checkSwarmText(text: string): CheckedSwarm {
  const parsed = parsePositionedYaml(text);
  if (parsed.kind === 'invalid') return parsed;
  const { value, place } = parsed.yaml;
  const checked = parseSwarmSpec(value);
  if (checked.kind === 'invalid') {
    return { kind: 'invalid', problems: inOrder(checked.problems.map(place)) };
  }
  return { kind: 'ok', spec: checked.spec, nodeCount: checked.nodes.length };
}

/**
 * Reads and checks a swarm file; `-` reads standard input. Throws a CliError (exit 2) that lists every
 * error with line, column and path: nothing has been created then.
 */
export async function readSwarmFile(options: {
  file: string;
  cwd: string;
  stdin: AsyncIterable<string | Uint8Array>;
}): Promise<{ spec: SwarmSpecInput; nodeCount: number }> {
  const { file } = options;
  const text = file === '-' ? await readAll(options.stdin) : await readNamed(file, options.cwd);
  const checked = checkSwarmText(text);
  if (checked.kind === 'ok') return checked;
  const name = file === '-' ? 'standard input' : file;
  throw new CliError({
    exitCode: EXIT.usage,
    code: 'invalid-swarm-file',
    message: `${name} has ${count(checked.problems.length, 'error')}; nothing was created.`,
    details: checked.problems.map(({ line, column, path, message }) => ({
      where: `${line}:${column}${path === '' ? '' : ` ${path}`}`,
      message,
    })),
    hint: 'Correct the file and run the command again.',
  });
}

/** A text file named by the person, relative to where they stand. Throws a CliError (exit 2) when it cannot be read. */
export async function readNamed(file: string, cwd: string): Promise<string> {
  try {
    return await readFile(isAbsolute(file) ? file : join(cwd, file), 'utf8');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code ?? error);
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : code;
    throw new CliError({
      exitCode: EXIT.usage,
      code: 'file-unreadable',
      message: `${file} cannot be read: ${why}.`,
      hint: 'Name a readable file, or `-` for standard input.',
      cause: error,
    });
  }
}

/** All of standard input as text. */
export async function readAll(stdin: AsyncIterable<string | Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of stdin) {
    text += typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

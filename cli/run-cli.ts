/** One call of `dashctl`, from its arguments to its exit code. Nothing here touches the process. */
import type { Command } from './command.ts';
import { clientOf, type CliContext, type CliSurroundings } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { explainError } from './explain-error.ts';
import { createOutput } from './output/output.ts';
import { hasFlag, parseInvocation } from './program.ts';
import { resolveTarget, type Target } from './target.ts';

/** Runs the command that `argv` names; never rejects: every end is an exit code, explained on stderr. */
export async function runCli(
  surroundings: CliSurroundings,
  options: { commands: readonly Command[] },
): Promise<ExitCode> {
  const { argv, stdout } = surroundings;
  const { output, colorful } = outputFor(surroundings);
  const invocation = parseInvocation({ argv, version: surroundings.version, ...options });
  switch (invocation.kind) {
    case 'text':
      stdout.write(`${invocation.text.trimEnd()}\n`);
      return EXIT.ok;
    case 'usage-error':
      output.error({ code: 'usage', message: invocation.message });
      return EXIT.usage;
    case 'run': {
      const context = contextFor(surroundings, { output, colorful, raw: invocation.raw });
      try {
        return await invocation.command.execute(invocation.raw, context);
      } catch (error) {
        if (surroundings.signal.aborted) return EXIT.interrupted;
        const { exitCode, problem } = explainError(error);
        output.error(problem);
        return exitCode;
      }
    }
  }
}

function outputFor(surroundings: CliSurroundings) {
  const { argv, env, stdout, stderr } = surroundings;
  const colorful =
    (env['NO_COLOR'] ?? '') === '' && !hasFlag(argv, '--no-color') && env['TERM'] !== 'dumb';
  const json = hasFlag(argv, '--json');
  return { colorful, output: createOutput({ stdout, stderr, json, color: colorful }) };
}

function contextFor(
  surroundings: CliSurroundings,
  options: {
    output: CliContext['output'];
    colorful: boolean;
    raw: Readonly<Record<string, unknown>>;
  },
): CliContext {
  const { raw, output, colorful } = options;
  const text = (name: string): string | undefined => {
    const value = raw[name];
    return typeof value === 'string' ? value : undefined;
  };
  const given = { url: text('url'), apiKey: text('apiKey'), dataDir: text('dataDir') };
  const config = (): ReturnType<CliContext['config']> =>
    surroundings.loadConfig(given.dataDir === undefined ? {} : { dataDir: given.dataDir });
  const target = async (): Promise<Target> =>
    resolveTarget({
      url: given.url,
      apiKey: given.apiKey,
      env: surroundings.env,
      dataDir: (await config()).dataDir,
    });
  return {
    ...surroundings,
    output,
    colorful,
    options: given,
    config,
    target,
    client: async () => clientOf(surroundings, await target()),
  };
}

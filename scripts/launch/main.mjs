// What the launcher does, in order: a suitable Node, the dependencies, the verb. Plain JavaScript
// for Node >= 18 without any package: it runs before there are any.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './dependencies.mjs';
import { SetupError } from './explain.mjs';
import { ensureNode } from './node.mjs';
import { runProgram } from './run.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Verb → program and its first arguments, below the root. `inRoot`: the program works on the project
 * itself; the others take paths as the person typed them.
 */
const VERBS = {
  start: {
    program: 'cli/main.ts',
    args: ['up', '--first-swarm', join(root, 'examples/first-swarm.yaml')],
    inRoot: false,
  },
  dashctl: { program: 'cli/main.ts', args: [], inRoot: false },
  test: { program: 'scripts/test.ts', args: [], inRoot: true },
  check: { program: 'scripts/check.ts', args: [], inRoot: true },
  bench: { program: 'scripts/bench/main.ts', args: [], inRoot: true },
  chaos: { program: 'scripts/chaos/main.ts', args: [], inRoot: true },
  load: { program: 'scripts/load/main.ts', args: [], inRoot: true },
  build: { program: 'scripts/build.ts', args: [], inRoot: true },
  gen: { program: 'scripts/gen.ts', args: [], inRoot: true },
};

/** Runs `launch.mjs <verb> [arguments]` and ends this process with the verb's exit code. */
export async function main([verb = '', ...args]) {
  if (!Object.hasOwn(VERBS, verb)) {
    const wrong = verb === '' ? 'No verb was given.' : `There is no verb "${verb}".`;
    process.stderr.write(
      `${wrong} Use: node scripts/launch.mjs ${Object.keys(VERBS).join('|')} [arguments]\n`,
    );
    process.exit(2);
  }
  try {
    const node = await ensureNode(root);
    await ensureDependencies(root);
    const { program, args: first, inRoot } = VERBS[verb];
    process.exitCode = await runProgram({
      node,
      args: [join(root, program), ...first, ...args],
      cwd: inRoot ? root : process.cwd(),
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

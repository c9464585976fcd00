/**
 * `npm run check`: everything that can be said about the tree without running it. One line per step
 * with its time, all findings at the end, exit code 1 when there is one.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

interface Outcome {
  readonly step: Step;
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
}

const ROOT = dirname(import.meta.dirname);
const FOLDERS = ['src', 'workflows', 'activities', 'workers', 'api', 'cli', 'scripts', 'tests'];

/** Longest first, so that two cores are done at about the same time. */
const STEPS: readonly Step[] = [
  { name: 'format', command: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
  { name: 'types', command: 'tsc', args: ['-p', '.', '--pretty', 'false'] },
  { name: 'lint', command: 'oxlint', args: ['--config', '.oxlintrc.json', '.'] },
  { name: 'imports', command: 'depcruise', args: cruise('.dependency-cruiser.cjs') },
  { name: 'reach', command: 'depcruise', args: cruise('.dependency-cruiser.runtime.cjs') },
  { name: 'unused', command: 'knip', args: ['--no-progress'] },
];

function cruise(config: string): string[] {
  return ['--config', config, '--output-type', 'err-long', ...FOLDERS];
}

async function run(step: Step): Promise<Outcome> {
  const startedAt = performance.now();
  const bin = join(ROOT, 'node_modules', '.bin');
  // The tools are Node scripts: they must find the Node that runs this one, not the machine's.
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
  const child = spawn(join(bin, step.command), [...step.args], {
    cwd: ROOT,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (output += text));
  const passed = await new Promise<boolean>((resolve) => {
    child.once('error', (error) => {
      output += `${step.command} could not be started (${error.message}). Run: npm ci\n`;
      resolve(false);
    });
    child.once('close', (code) => resolve(code === 0));
  });
  return { step, passed, seconds: (performance.now() - startedAt) / 1000, output };
}

async function runAll(): Promise<Outcome[]> {
  const waiting = [...STEPS];
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const outcome = await run(step);
      outcomes.push(outcome);
      const verdict = outcome.passed ? 'ok' : 'FAILED';
      console.log(`${step.name.padEnd(8)} ${verdict.padEnd(7)} ${outcome.seconds.toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
  return outcomes;
}

const startedAt = performance.now();
const failures = (await runAll()).filter((outcome) => !outcome.passed);
for (const { step, output } of failures) {
  console.log(`\n── ${step.name}: ${step.command} ${step.args.join(' ')}\n${output.trimEnd()}`);
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
const summary = failures.map(({ step }) => step.name).join(', ');
console.log(
  failures.length === 0
    ? `\ncheck passed in ${seconds} s`
    : `\ncheck failed in ${seconds} s: ${summary}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;

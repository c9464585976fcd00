/**
 * `npm run load -- [options]` (`--help`): Dash under load beside bare Temporal in the same run. Judges the bounds it
 * can tell about; exit code 1 when one is missed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { startGround } from '../bench/ground.ts';
import { describeMachine } from '../bench/machine.ts';
import { judge } from './judge.ts';
import { readOptions, type LoadOptions } from './options.ts';
import { describeReport, type LoadReport } from './report.ts';
import { runLoad } from './run-load.ts';

const say = (line: string): void =>
  void process.stderr.write(`${(performance.now() / 1_000).toFixed(1).padStart(7)} s  ${line}\n`);
const read = readOptions(process.argv.slice(2));
switch (read.kind) {
  case 'help':
    process.stdout.write(`${read.text}\n`);
    break;
  case 'wrong':
    say(`${read.problem}\nTry: npm run load -- --help`);
    process.exitCode = 2;
    break;
  case 'options':
    process.exitCode = await loadAndReport(read.options).catch((error: unknown) => {
      say(`the run could not be carried out: ${String(error)}`);
      return 3;
    });
    break;
}

async function loadAndReport(options: LoadOptions): Promise<number> {
  say(`starting ${options.gateways} gateways and everything else`);
  const ground = await startGround(process.env, options);
  try {
    const result = await runLoad(ground, options, say);
    const report: LoadReport = {
      command: `npm run load -- ${process.argv.slice(2).join(' ')}`.trim(),
      machine: describeMachine(),
      result,
      verdicts: judge(result),
    };
    const text = `${describeReport(report)}\n`;
    process.stdout.write(text);
    if (options.report !== null) write(options.report, text);
    if (options.json !== null) write(options.json, `${JSON.stringify(report, null, 2)}\n`);
    return report.verdicts.some(({ held }) => held === false) ? 1 : 0;
  } finally {
    await ground.close();
  }
}

function write(name: string, text: string): void {
  const file = resolve(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  say(`written: ${file}`);
}

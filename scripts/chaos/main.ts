/**
 * Kills everything and looks whether the guarantees of Dash hold: `npm run chaos -- --tasks 100 --gateways 4 --hosts 2
 * --kills 5 --seed 7 [--report FILE.md] [--json]`. Exit code 0: all held; 1: a guarantee was broken; 2: the command line is wrong; 3: the
 * run could not be carried out; 130: interrupted. docs/guides/chaos.md explains what is done and checked.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/platform/clock.ts';
import { prepareGround } from './ground.ts';
import { readOptions, type ChaosOptions } from './options.ts';
import { reportAsMarkdown } from './report-markdown.ts';
import { describeReport, reportOf } from './report.ts';
import { runChaos } from './run-chaos.ts';

const EXIT = { violated: 1, usage: 2, failed: 3, interrupted: 130 } as const;

const read = readOptions(process.argv.slice(2));
switch (read.kind) {
  case 'help':
    console.log(read.text);
    break;
  case 'wrong':
    console.error(`${read.problems.join('\n')}\nTry: npm run chaos -- --help`);
    process.exitCode = EXIT.usage;
    break;
  case 'options':
    process.exitCode = await run(read.options);
    break;
}
// Not left to Node: once the bundler has run, Node 24 may wait for ever at its end, with a busy processor.
process.exit();

async function run(options: ChaosOptions): Promise<number> {
  const clock = systemClock();
  const startedAt = clock.monotonic();
  const say = (line: string): void => {
    const at = ((clock.monotonic() - startedAt) / 1_000).toFixed(1).padStart(6);
    (options.json ? console.error : console.log)(`${at} s  ${line}`);
  };
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // A second one ends at once; the guard then ends the processes.
      if (interruption.signal.aborted) process.exit(EXIT.interrupted);
      interruption.abort(new Error(`interrupted by ${name}`));
    });
  }
  const ground = await prepareGround({ clock, env: process.env });
  say(`seed ${options.seed}; everything of this run is in ${ground.dir}`);
  let keeps = true;
  try {
    const result = await runChaos(options, { ground, abort: interruption.signal, say });
    const report = reportOf(result);
    const figures = JSON.stringify(report, null, 2);
    writeFileSync(join(ground.dir, 'report.json'), figures);
    if (options.report !== null) {
      const command = `npm run chaos -- ${process.argv.slice(2).join(' ')}`;
      writeFileSync(options.report, reportAsMarkdown(report, command));
      writeFileSync(options.report.replace(/md$/, 'json'), figures);
      say(`the report is in ${options.report}, its figures beside it as JSON`);
    }
    if (options.json) console.log(figures);
    else console.log(`\n${describeReport(report)}`);
    keeps = options.keep || report.verdict === 'violated';
    return report.verdict === 'held' ? 0 : EXIT.violated;
  } catch (error) {
    const isInterrupted = interruption.signal.aborted;
    keeps = options.keep || !isInterrupted;
    const why = error instanceof Error ? error.message : String(error);
    console.error(`The run with seed ${options.seed} was not finished: ${why}`);
    return isInterrupted ? EXIT.interrupted : EXIT.failed;
  } finally {
    await ground.guard.dismiss();
    if (keeps) say(`logs, wire logs and data are kept in ${ground.dir}`);
    else ground.remove();
  }
}

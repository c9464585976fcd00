import { cpus, totalmem } from 'node:os';
import { countBy, counts, processes, runsOf } from './report-words.ts';
import type { ChaosReport } from './report.ts';

/** The report as a Markdown document: what was run where, what was done, and what held. */
export function reportAsMarkdown(report: ChaosReport, command: string): string {
  const { violations, indeterminate, verdict, checks, seed } = report;
  const result = verdict === 'held' ? 'everything held' : `${violations.length} violations`;
  return [
    `# Chaos run, seed ${seed}: ${result}`,
    ...['', `Command: \`${command}\``],
    ...['', `Machine: ${machine()}.`],
    ...['', ...table(['', ''], figures(report))],
    ...section(
      'What was checked',
      table(
        ['guarantee', 'violations'],
        Object.entries(checks).map(([rule, count]) => [rule, String(count)]),
      ),
    ),
    ...section(
      'Violations',
      violations.map(({ rule, what }) => `- ${rule}: ${what}`),
    ),
    ...section(
      'Outcomes that nobody could know, decided by the wire logs',
      indeterminate.decided.map(
        ({ taskId, attempt, reason, decision, why }) =>
          `- ${taskId} attempt ${attempt}: ${reason}; ${decision}, because ${why}`,
      ),
    ),
    '',
  ].join('\n');
}

function figures(report: ChaosReport): readonly (readonly string[])[] {
  const { indeterminate, strikes, wire, client, seconds, tasks } = report;
  const rate = (tasks / Math.max(1, seconds.work)).toFixed(1);
  const struck = countBy(strikes, ({ act, kind }) => `${act} ${kind}`);
  return [
    ['processes', processes(report)],
    ['time', `${seconds.setUp} s set-up, ${seconds.work} s of work (${rate} tasks/s)`],
    ['tasks', `${tasks}: ${counts(report.ends)}`],
    ['strikes', `${strikes.length}: ${counts(struck)}`],
    ['wire', `${runsOf(report)}, ${wire.answers} answers, ${wire.boots} starts of fake gateways`],
    ['crashes', `interrupted ${wire.interrupted} turns; ${wire.recoveries} were resumed`],
    [
      'later attempts',
      `${wire.retried} tasks ran in one (released before it ran, or told to fail)`,
    ],
    [
      'client',
      `${client.lostAnswers} answers lost, ${client.refusals} times told to come again, ` +
        `${client.repeats} submits repeated with their key`,
    ],
    ['indeterminate', `${indeterminate.count} (${counts(indeterminate.byDecision) || 'none'})`],
  ];
}

function machine(): string {
  const all = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${all.length} cores (${all[0]?.model ?? 'unknown'}), ${gigabytes} GB, ${process.platform}, Node ${process.version}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines];
}

import { executionsOf } from './executions.ts';
import { countBy, counts, processes, runsOf } from './report-words.ts';
import { RULES } from './rules.ts';
import type { ChaosResult } from './run-chaos.ts';

/** The figures of a run, as JSON and as a table. */
export interface ChaosReport {
  readonly verdict: 'held' | 'violated';
  readonly seed: number;
  readonly tasks: number;
  readonly gateways: number;
  /** Of the gateways. */
  readonly real: number;
  readonly hosts: number;
  readonly controls: number;
  readonly seconds: ChaosResult['seconds'];
  readonly strikes: ChaosResult['strikes'];
  readonly client: ChaosResult['counts'];
  /** Tasks by their terminal state. */
  readonly ends: Readonly<Record<string, number>>;
  readonly wire: {
    readonly runs: number;
    /** Of them on real gateways. */
    readonly onReal: number;
    readonly recoveries: number;
    readonly interrupted: number;
    readonly answers: number;
    /** Tasks that needed more than one attempt. */
    readonly retried: number;
    /** Lives of gateways. */
    readonly boots: number;
  };
  readonly indeterminate: {
    readonly count: number;
    readonly byDecision: Readonly<Record<string, number>>;
    readonly decided: ChaosResult['decided'];
  };
  /** Every rule that was checked, with the number of its violations. */
  readonly checks: Readonly<Record<string, number>>;
  readonly violations: ChaosResult['violations'];
}

export function reportOf(result: ChaosResult): ChaosReport {
  const { options, evidence, decided, violations } = result;
  const runs = evidence.gateways.flatMap(({ gatewayId, log }) => executionsOf(gatewayId, log));
  const secondAttempts = runs.filter(({ attempt }) => attempt !== null && attempt > 1);
  const boots = evidence.gateways.flatMap(({ log }) => log.filter(({ kind }) => kind === 'boot'));
  return {
    verdict: violations.length === 0 ? 'held' : 'violated',
    seed: options.seed,
    tasks: evidence.tasks.length,
    gateways: options.gateways,
    real: options.real,
    hosts: options.hosts,
    controls: options.controls,
    seconds: result.seconds,
    strikes: result.strikes,
    client: result.counts,
    ends: countBy(evidence.tasks, ({ state }) => state),
    wire: {
      runs: runs.length,
      onReal: runs.filter(({ gatewayId }) => gatewayId.startsWith('real-')).length,
      recoveries: runs.filter(({ isRecovery }) => isRecovery).length,
      interrupted: runs.filter(({ end }) => end === 'interrupted').length,
      answers: runs.filter(({ end }) => end === 'done').length,
      retried: new Set(secondAttempts.map(({ taskId }) => taskId)).size,
      boots: boots.length,
    },
    indeterminate: {
      count: decided.length,
      byDecision: countBy(decided, ({ decision }) => decision),
      decided,
    },
    checks: Object.fromEntries(
      Object.values(RULES).map((rule) => [
        rule,
        violations.filter((violation) => violation.rule === rule).length,
      ]),
    ),
    violations,
  };
}

/** The report for people: what was done to Dash, what came of it, and what did not hold. */
export function describeReport(report: ChaosReport): string {
  const { wire, client, indeterminate, seconds, violations } = report;
  const rows: readonly (readonly [string, string])[] = [
    ['seed', String(report.seed)],
    ['processes', processes(report)],
    ['time', `${seconds.setUp} s set-up, ${seconds.work} s of work`],
    ['strikes', report.strikes.map(({ blow, part }) => `${blow} ${part}`).join(', ') || 'none'],
    ['tasks', `${report.tasks}: ${counts(report.ends)}`],
    [
      'client',
      `${client.lostAnswers} answers lost, ${client.refusals} refused, ${client.repeats} repeated`,
    ],
    [
      'wire',
      `${runsOf(report)}, ${wire.answers} answers; ${wire.interrupted} interrupted, ` +
        `${wire.recoveries} resumed by their gateway; ${wire.retried} tasks retried`,
    ],
    ['indeterminate', `${indeterminate.count} (${counts(indeterminate.byDecision) || 'none'})`],
    ['violations', String(violations.length)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, text]) => `${name.padEnd(width)}  ${text}`),
    ...indeterminate.decided.map(
      ({ taskId, attempt, reason, decision, why }) =>
        `  ${taskId} attempt ${attempt}: ${reason}; ${decision}, because ${why}`,
    ),
    ...violations.map(({ rule, what }) => `! ${rule}: ${what}`),
  ].join('\n');
}

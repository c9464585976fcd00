import { parseArgs } from 'node:util';

/** How large a chaos run is, and the seed that makes its workload and its strikes. */
export interface ChaosOptions {
  readonly tasks: number;
  readonly gateways: number;
  /** So many of the gateways are real ones of OpenClaw, behind a stub model. */
  readonly real: number;
  readonly hosts: number;
  readonly controls: number;
  /** SIGKILLs and SIGSTOPs. */
  readonly kills: number;
  /** Cut, choked and slowed ways to gateways, and jumps of clocks. */
  readonly weather: number;
  /** So many gateways never resume what a crash interrupted: their turns become indeterminate. */
  readonly withoutRecovery: number;
  readonly seed: number;
  /** Without any news for this long, what has not ended counts as lost. */
  readonly patienceSeconds: number;
  /** Whatever happens, the run ends about then; what has not ended by then counts as lost. */
  readonly limitMinutes: number;
  /** Where the report is written for people; the same name with `.json` holds the figures. null: nowhere. */
  readonly report: string | null;
  readonly json: boolean;
  /** Keep the working directory (logs, wire logs, data) after a good run, too. */
  readonly keep: boolean;
}

export type ReadOptions =
  | { readonly kind: 'options'; readonly options: ChaosOptions }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'wrong'; readonly problems: readonly string[] };

interface NumberOption {
  readonly min: number;
  readonly max: number;
  /** null: it follows from another option, and the help says how. */
  readonly fallback: number | null;
  readonly help: string;
}

const NUMBERS = {
  tasks: { min: 10, max: 10_000, fallback: 100, help: 'tasks that are submitted, swarms included' },
  gateways: { min: 1, max: 50, fallback: 4, help: 'fake gateways, each a process' },
  real: { min: 0, max: 10, fallback: 0, help: 'so many of the gateways are real OpenClaw ones' },
  hosts: { min: 1, max: 10, fallback: 2, help: 'gateway hosts, each a process' },
  controls: { min: 1, max: 5, fallback: 2, help: 'control workers, each a process' },
  kills: { min: 0, max: 500, fallback: 5, help: 'SIGKILLs and SIGSTOPs while the work runs' },
  weather: {
    min: 0,
    max: 500,
    fallback: null,
    help: 'cut, half-open and slow sockets, clock jumps (half as many as kills)',
  },
  'without-recovery': {
    min: 0,
    max: 50,
    fallback: 0,
    help: 'gateways that never resume a crashed turn',
  },
  seed: { min: 0, max: 4_294_967_295, fallback: 7, help: 'makes workload and strikes' },
  'patience-seconds': {
    min: 10,
    max: 3_600,
    fallback: 180,
    help: 'without news for this long, open work counts as lost',
  },
  'limit-minutes': {
    min: 1,
    max: 600,
    fallback: 60,
    help: 'the run ends by then, whatever happens',
  },
} as const satisfies Readonly<Record<string, NumberOption>>;

type NumberName = keyof typeof NUMBERS;

const HELP = [
  'npm run chaos -- [options]: kills Dash, its servers and its gateways under work, and checks the wire.',
  '',
  ...Object.entries(NUMBERS).map(
    ([name, { fallback, help }]) =>
      `  --${`${name} <n>`.padEnd(22)}${help}${fallback === null ? '' : ` (${fallback})`}`,
  ),
  `  ${'--report <file.md>'.padEnd(24)}write the report there, and its figures beside it as .json`,
  `  ${'--json'.padEnd(24)}one JSON document on standard output, progress on standard error`,
  `  ${'--keep'.padEnd(24)}keep logs and data of a good run, too`,
].join('\n');

/** Reads the command line; says everything that is wrong with it at once. */
export function readOptions(args: readonly string[]): ReadOptions {
  let values: Values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: 'string' }])),
        report: { type: 'string' },
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return { kind: 'wrong', problems: [error instanceof Error ? error.message : String(error)] };
  }
  if (values['help'] === true) return { kind: 'help', text: HELP };
  const problems: string[] = [];
  const numberOf = (name: NumberName, otherwise = 0): number => {
    const { min, max } = NUMBERS[name];
    const fallback = NUMBERS[name].fallback ?? otherwise;
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    problems.push(`--${name} takes a whole number from ${min} to ${max}, not "${String(text)}"`);
    return fallback;
  };
  const options = optionsOf(values, numberOf);
  problems.push(...contradictions(options));
  return problems.length === 0 ? { kind: 'options', options } : { kind: 'wrong', problems };
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function optionsOf(
  values: Values,
  numberOf: (name: NumberName, otherwise?: number) => number,
): ChaosOptions {
  const { report } = values;
  const kills = numberOf('kills');
  return {
    tasks: numberOf('tasks'),
    gateways: numberOf('gateways'),
    real: numberOf('real'),
    hosts: numberOf('hosts'),
    controls: numberOf('controls'),
    kills,
    weather: numberOf('weather', Math.ceil(kills / 2)),
    withoutRecovery: numberOf('without-recovery'),
    seed: numberOf('seed'),
    patienceSeconds: numberOf('patience-seconds'),
    limitMinutes: numberOf('limit-minutes'),
    report: typeof report === 'string' ? report : null,
    json: values['json'] === true,
    keep: values['keep'] === true,
  };
}

/** Values that are good in themselves and cannot be carried out. */
function contradictions({ report, real, gateways }: ChaosOptions): string[] {
  return [
    ...(report === null || report.endsWith('.md')
      ? []
      : [`--report takes the name of a file that ends in .md, not "${report}"`]),
    ...(real <= gateways ? [] : [`--real takes at most as many as --gateways, ${gateways}`]),
  ];
}

import { parseArgs } from 'node:util';

/** How large a chaos run is, and the seed that makes its workload and its strikes. */
export interface ChaosOptions {
  readonly tasks: number;
  readonly gateways: number;
  readonly hosts: number;
  readonly controls: number;
  readonly kills: number;
  /** So many gateways never resume what a crash interrupted: their turns become indeterminate. */
  readonly withoutRecovery: number;
  readonly seed: number;
  /** Without any news for this long, what has not ended counts as lost. */
  readonly patienceSeconds: number;
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
  readonly fallback: number;
  readonly help: string;
}

const NUMBERS = {
  tasks: { min: 10, max: 10_000, fallback: 100, help: 'tasks that are submitted, swarms included' },
  gateways: { min: 1, max: 50, fallback: 4, help: 'fake gateways, each a process' },
  hosts: { min: 1, max: 10, fallback: 2, help: 'gateway hosts, each a process' },
  controls: { min: 1, max: 5, fallback: 2, help: 'control workers, each a process' },
  kills: { min: 0, max: 500, fallback: 5, help: 'kills and freezes while the work runs' },
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
} as const satisfies Readonly<Record<string, NumberOption>>;

type NumberName = keyof typeof NUMBERS;

const HELP = [
  'npm run chaos -- [options]: kills Dash, its servers and its gateways under work, and checks the wire.',
  '',
  ...Object.entries(NUMBERS).map(
    ([name, { fallback, help }]) => `  --${`${name} <n>`.padEnd(22)}${help} (${fallback})`,
  ),
  `  ${'--json'.padEnd(24)}one JSON document on standard output, progress on standard error`,
  `  ${'--keep'.padEnd(24)}keep logs and data of a good run, too`,
].join('\n');

/** Reads the command line; says everything that is wrong with it at once. */
export function readOptions(args: readonly string[]): ReadOptions {
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: 'string' }])),
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
  const numberOf = (name: NumberName): number => {
    const { min, max, fallback } = NUMBERS[name];
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    problems.push(`--${name} takes a whole number from ${min} to ${max}, not "${String(text)}"`);
    return fallback;
  };
  const options: ChaosOptions = {
    tasks: numberOf('tasks'),
    gateways: numberOf('gateways'),
    hosts: numberOf('hosts'),
    controls: numberOf('controls'),
    kills: numberOf('kills'),
    withoutRecovery: numberOf('without-recovery'),
    seed: numberOf('seed'),
    patienceSeconds: numberOf('patience-seconds'),
    json: values['json'] === true,
    keep: values['keep'] === true,
  };
  return problems.length === 0 ? { kind: 'options', options } : { kind: 'wrong', problems };
}

import { parseArgs } from 'node:util';

/** How large a load run is. */
export interface LoadOptions {
  readonly gateways: number;
  readonly lanes: number;
  /** Tasks of one closed-loop series; two rounds of each are run. */
  readonly count: number;
  /** Length of each open-loop series. */
  readonly seconds: number;
  /** Minutes of steady load at the end, to see what memory does; 0: none. */
  readonly soakMinutes: number;
  /** Open tasks before which claims and lists are measured; 0: none. */
  readonly backlog: number;
  readonly json: string | null;
  readonly report: string | null;
}

export type ReadOptions =
  | { readonly kind: 'options'; readonly options: LoadOptions }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'wrong'; readonly problem: string };

const NUMBERS = {
  gateways: { min: 1, max: 50, fallback: 10, help: 'fake gateways' },
  lanes: { min: 1, max: 64, fallback: 4, help: 'lanes of each gateway' },
  count: { min: 20, max: 20_000, fallback: 400, help: 'tasks of each closed-loop series' },
  seconds: { min: 2, max: 600, fallback: 15, help: 'length of each open-loop series' },
  soak: { min: 0, max: 600, fallback: 0, help: 'minutes of steady load at the end' },
  backlog: { min: 0, max: 200_000, fallback: 0, help: 'open tasks for claims, lists and why' },
} as const;

const HELP = [
  'npm run load -- [options]: what Dash takes from this machine under load, beside bare Temporal in the same run.',
  '',
  ...Object.entries(NUMBERS).map(
    ([name, { fallback, help }]) => `  --${`${name} <n>`.padEnd(18)}${help} (${fallback})`,
  ),
  `  --${'report <file>'.padEnd(18)}write the report as Markdown`,
  `  --${'json <file>'.padEnd(18)}write the figures as JSON`,
  '',
  'Exit code 0: every bound held; 1: one was missed; 2: wrong command line; 3: the run could not be carried out.',
].join('\n');

/** Reads the command line; never throws. */
export function readOptions(args: readonly string[]): ReadOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        gateways: { type: 'string' },
        lanes: { type: 'string' },
        count: { type: 'string' },
        seconds: { type: 'string' },
        soak: { type: 'string' },
        backlog: { type: 'string' },
        report: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'help', text: HELP };
    const number = (name: keyof typeof NUMBERS): number => wholeNumber(name, values[name]);
    return {
      kind: 'options',
      options: {
        gateways: number('gateways'),
        lanes: number('lanes'),
        count: number('count'),
        seconds: number('seconds'),
        soakMinutes: number('soak'),
        backlog: number('backlog'),
        json: values.json ?? null,
        report: values.report ?? null,
      },
    };
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) };
  }
}

function wholeNumber(name: keyof typeof NUMBERS, text: string | undefined): number {
  const { min, max, fallback } = NUMBERS[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} takes a whole number from ${min} to ${max}, not "${text}"`);
}

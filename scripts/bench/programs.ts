/** The programs that are measured, each a process of its own. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startChild, type Child } from '../../src/local/child.ts';
import { newSecretKey } from '../../src/platform/secret-box.ts';
import { imageEnvironment, layOutImage } from '../image.ts';
import type { Site } from './site.ts';
import { until } from './until.ts';

export const NAMESPACE = 'default';
export const BARE_QUEUE = 'bench-bare';

export interface Program {
  readonly name: string;
  readonly pid: number;
  readonly match: RegExpExecArray;
}

export interface ProgramOptions {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly hostPort: number;
  /** Arguments of `fake-fleet.ts`. */
  readonly fleet: readonly string[];
}

type Name = 'api' | 'control' | 'host' | 'bare' | 'fakes';

/** Starts them in the order in which they need each other; each is ready when this resolves. */
export async function startPrograms(
  site: Site,
  options: ProgramOptions,
): Promise<Record<Name, Program>> {
  // A process that strips types or bundles by itself keeps the memory of that for good.
  const product = await layOutImage(join(site.dir, 'product'));
  const env = environment(site, product, options);
  const started: Partial<Record<Name, Program>> = {};
  for (const spec of specs(product, options)) {
    started[spec.key] = await startOne(site, { ...spec, env: { ...env, ...spec.env } });
  }
  return started as Record<Name, Program>;
}

interface Spec {
  readonly key: Name;
  readonly name: string;
  /** With its arguments. */
  readonly command: readonly [string, ...string[]];
  /** What it writes into its log when it is ready. */
  readonly says: RegExp;
  readonly env?: NodeJS.ProcessEnv;
}

function specs(product: string, { temporalAddress, hostPort, fleet }: ProgramOptions): Spec[] {
  const own = (name: string): string => join(import.meta.dirname, name);
  return [
    {
      key: 'api',
      name: 'api',
      command: [join(product, 'api/main.js')],
      says: /"url":"([^"]+)"[^\n]*the API listens/,
    },
    {
      key: 'control',
      name: 'control worker',
      command: [join(product, 'workers/control.js')],
      says: /worker is ready/,
    },
    {
      key: 'host',
      name: 'gateway host',
      command: [join(product, 'workers/gateway-host.js')],
      says: /host is ready/,
      env: { DASH_WORKER_PORT: String(hostPort) },
    },
    {
      key: 'bare',
      name: 'bare worker',
      command: [own('bare-worker.ts'), temporalAddress, NAMESPACE, BARE_QUEUE],
      says: /is ready/,
    },
    {
      key: 'fakes',
      name: 'fake gateways',
      command: [own('fake-fleet.ts'), ...fleet],
      says: /(\[.*\])/,
    },
  ];
}

async function startOne(site: Site, { name, command, says, env = {} }: Spec): Promise<Program> {
  const logFile = join(site.dir, `${name}.log`);
  const child = await startChild({
    what: name,
    command: process.execPath,
    args: command,
    env,
    logFile,
    home: site.home,
    clock: site.clock,
  });
  site.onEnd(() => child.stop({ graceMs: 20_000 }));
  return { name, pid: child.pid, match: await said(logFile, says, child) };
}

function environment(
  site: Site,
  product: string,
  { databaseUrl, temporalAddress }: ProgramOptions,
): NodeJS.ProcessEnv {
  return {
    // The figures are to be those of a container.
    ...imageEnvironment(),
    PATH: site.env['PATH'] ?? '',
    HOME: site.dir,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    DASH_WORKFLOW_BUNDLE: join(product, 'workflow-bundle.js'),
    DASH_DATA_DIR: join(site.dir, 'data'),
    DASH_SECRET_KEY: newSecretKey(),
    DASH_API_PORT: '0',
    DASH_LOG_LEVEL: 'info',
  };
}

/** Waits until the program has said what the pattern names. Throws with the end of its log when it does not. */
async function said(logFile: string, pattern: RegExp, child: Child): Promise<RegExpExecArray> {
  const state: { match: RegExpExecArray | null } = { match: null };
  await until(`${child.what} to be ready`, () => {
    state.match = existsSync(logFile) ? pattern.exec(readFileSync(logFile, 'utf8')) : null;
    return state.match !== null;
  }).catch((cause: unknown) => {
    throw new Error(`${child.what} is not ready. It said:\n${child.logTail(20)}`, { cause });
  });
  if (state.match === null) throw new Error(`${child.what} is not ready`);
  return state.match;
}

/**
 * What `npm test` runs: makes sure of what the tiers need, then jest once over all of them.
 *
 *   npm test                       every tier
 *   npm test -- unit integration   these tiers (also: DASH_TEST_TIERS=unit,integration)
 *   npm test -- tests/unit/local   this path, or any other argument of jest
 *
 * A tier whose dependency cannot be had is skipped and said so; in CI (CI=true) that is a failure.
 * The last line of the output is always `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ensureOpenClaw } from '../src/local/openclaw-package.ts';
import { postgresPackage } from '../src/local/postgres-package.ts';
import { createProgress } from '../src/local/progress.ts';
import { ensureTemporalBinary } from '../src/local/temporal-binary.ts';
import { systemClock } from '../src/platform/clock.ts';

const root = join(import.meta.dirname, '..');
const TIERS = ['unit', 'integration', 'e2e'] as const;
type Tier = (typeof TIERS)[number];

const env: NodeJS.ProcessEnv = { ...process.env };
const progress = createProgress({
  stream: process.stdout,
  clock: systemClock(),
  color: process.stdout.isTTY && !env['NO_COLOR'],
});

/** Tier names choose projects; everything else is handed to jest. */
function readArguments(args: readonly string[]): { tiers: Tier[]; rest: string[] } {
  const isTier = (word: string): word is Tier => TIERS.some((tier) => tier === word);
  const fromEnv = (env['DASH_TEST_TIERS'] ?? '').split(',').map((word) => word.trim());
  const unknown = fromEnv.filter((word) => word !== '' && !isTier(word));
  if (unknown.length > 0) {
    process.stderr.write(
      `DASH_TEST_TIERS names "${unknown.join(', ')}"; the tiers are ${TIERS.join(', ')}.\n`,
    );
    process.exit(2);
  }
  const chosen = [...args, ...fromEnv].filter(isTier);
  return {
    tiers: TIERS.filter((tier) => chosen.length === 0 || chosen.includes(tier)),
    rest: args.filter((word) => !isTier(word)),
  };
}

/** What a tier needs, made sure of; answers why it cannot be had, or undefined. */
async function missingFor(tier: Tier): Promise<string | undefined> {
  try {
    if (tier === 'unit') return undefined;
    if (!env['DATABASE_URL']) await postgresPackage();
    if (!env['TEMPORAL_ADDRESS']) await temporal();
    if (tier === 'e2e') {
      const toolDir = join(root, 'tools', 'openclaw');
      const { entryPath } = await ensureOpenClaw({ toolDir, env, progress });
      env['DASH_TEST_OPENCLAW_ENTRY'] = entryPath;
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
  }
}

async function temporal(): Promise<void> {
  await ensureTemporalBinary({
    cacheDir: env['DASH_CACHE_DIR'] ?? join(root, '.dash', 'cache'),
    toolDir: join(root, 'tools', 'temporal'),
    env,
    progress,
  });
}

function runJest(tiers: readonly Tier[], rest: readonly string[]): Promise<number> {
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/jest/bin/jest.js'), '--selectProjects', ...tiers, ...separated(rest)],
    { cwd: root, stdio: 'inherit', env },
  );
  // A terminal's Ctrl-C reaches jest by itself; other signals are for this process alone.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

/** `--selectProjects` takes every word up to the next option, so paths are set apart from tiers. */
function separated(rest: readonly string[]): string[] {
  const options = rest.filter((word) => word.startsWith('-'));
  const paths = rest.filter((word) => !word.startsWith('-'));
  return paths.length === 0 ? options : [...options, '--', ...paths];
}

const { tiers, rest } = readArguments(process.argv.slice(2));
const skipped: string[] = [];
const ready: Tier[] = [];
for (const tier of tiers) {
  const why = await missingFor(tier);
  if (why === undefined) ready.push(tier);
  else skipped.push(`${tier} skipped: ${why}`);
}
env['NODE_OPTIONS'] = [
  env['NODE_OPTIONS'],
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
]
  .filter(Boolean)
  .join(' ');
env['DASH_TEST_SKIPPED_TIERS'] = JSON.stringify(skipped);

if (ready.length === 0) {
  progress.line(skipped.join('\n'));
  const isFailure = env['CI'] === 'true';
  progress.line(
    `0 passed, ${isFailure ? skipped.length : 0} failed, ${isFailure ? 0 : skipped.length} skipped`,
  );
  process.exitCode = isFailure ? 1 : 0;
} else {
  const code = await runJest(ready, rest);
  process.exitCode = code === 0 && skipped.length > 0 && env['CI'] === 'true' ? 1 : code;
}

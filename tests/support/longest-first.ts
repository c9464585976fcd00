/**
 * The order of the test files: what takes long begins first, so that at the end of a run no worker is alone with a
 * long file. jest itself knows durations only of earlier runs, which a fresh clone has not had.
 */
import { sep } from 'node:path';

/**
 * As measured on two cores: what takes longest comes first, and what keeps a core busy (a real gateway, whole starts of
 * Dash) beside what mostly waits, for neighbours in this list run side by side.
 */
export const LONG_FILES = [
  'tests/e2e/real-gateway-contract.test.ts',
  'tests/e2e/real-failover.test.ts',
  'tests/integration/failover/host-lost.test.ts',
  'tests/integration/failover/temporal-away.test.ts',
  'tests/integration/swarm/swarm-workflow.test.ts',
  'tests/e2e/up-real-gateway.test.ts',
  'tests/e2e/up.test.ts',
  'tests/integration/gateway/operations.test.ts',
  'tests/contract/fake.test.ts',
  'tests/integration/hold/late-recovery.test.ts',
  'tests/e2e/chaos.test.ts',
  'tests/e2e/bench.test.ts',
  'tests/integration/maintenance/maintenance-workflow.test.ts',
  'tests/e2e/real-managed-gateway.test.ts',
  'tests/integration/db/locks.test.ts',
  'tests/e2e/compose-smoke.test.ts',
  'tests/property/attempt-protocol.test.ts',
  'tests/integration/local/postgres-server.test.ts',
] as const;

/** After the long ones: whole processes, then what needs services, then what needs nothing. */
const TIERS = ['tests/e2e/', 'tests/integration/', 'tests/contract/', 'tests/replay/', 'tests/'];

interface TestFile {
  readonly path: string;
  readonly context: { readonly config: { readonly rootDir: string } };
}

/** What jest asks of a `testSequencer`. */
export default class LongestFirst {
  sort<File extends TestFile>(files: readonly File[]): File[] {
    return files.toSorted((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
  }

  allFailedTests<File extends TestFile>(files: readonly File[]): File[] {
    return this.sort(files);
  }

  /** Nothing is remembered from run to run: the order is the same everywhere. */
  cacheResults(): void {}
}

function rank({ path, context }: TestFile): number {
  const name = path.slice(context.config.rootDir.length + 1).replaceAll(sep, '/');
  const place = LONG_FILES.findIndex((file) => file === name);
  return place >= 0 ? place : LONG_FILES.length + TIERS.findIndex((tier) => name.startsWith(tier));
}

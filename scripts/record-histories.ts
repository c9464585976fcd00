/**
 * Records the histories that the replay tests hold the workflows to, one file per path of a workflow:
 * `node scripts/record-histories.ts [name or beginning of a name …]` (all without a name).
 *
 * To be run when a workflow gained a path, or before a release whose histories are to be honoured. A history that
 * no longer replays is not to be recorded again but to be kept alive with `patched()`, once it has been released.
 * Starts what it needs, or uses the Temporal that TEMPORAL_ADDRESS names.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundleWorkflowCode, DefaultLogger, Runtime } from '@temporalio/worker';
import { startTestServices } from '../tests/support/test-services.ts';
import { bulkScenarios } from './histories/bulk-scenarios.ts';
import { chainScenarios } from './histories/chain-scenarios.ts';
import { gatewayScenarios } from './histories/gateway-scenarios.ts';
import { maintenanceScenarios } from './histories/maintenance-scenarios.ts';
import { recordScenario } from './histories/record.ts';
import { submissionScenarios } from './histories/submission-scenarios.ts';
import { swarmScenarios } from './histories/swarm-scenarios.ts';
import { taskScenarios } from './histories/task-scenarios.ts';

const root = join(import.meta.dirname, '..');
const target = join(root, 'tests', 'histories');
/** Longer histories are kept compressed. */
const PLAIN_LIMIT_BYTES = 100_000;

Runtime.install({ logger: new DefaultLogger('ERROR') });

const wanted = process.argv.slice(2);
const scenarios = [
  ...taskScenarios(),
  ...swarmScenarios(),
  ...gatewayScenarios(),
  ...chainScenarios(),
  ...maintenanceScenarios(),
  ...submissionScenarios(),
  ...bulkScenarios(),
].filter(({ name }) => wanted.length === 0 || wanted.some((begin) => name.startsWith(begin)));

const services = await startTestServices(process.env);
try {
  const bundle = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  mkdirSync(target, { recursive: true });
  for (const scenario of scenarios) {
    const address = services.temporalAddress;
    const history = await recordScenario({ scenario, address, bundle, root });
    write(scenario.name, history);
  }
} finally {
  await services.stop();
}

function write(name: string, history: string): void {
  const events = history.split('\n').length - 3;
  const compressed = history.length > PLAIN_LIMIT_BYTES;
  const file = join(target, `${name}.json${compressed ? '.gz' : ''}`);
  writeFileSync(file, compressed ? gzipSync(history, { level: 9 }) : history);
  console.log(`${name}: ${events} events`);
}

/**
 * jest's global set-up of the tiers that need services. It runs once, before the first worker starts,
 * and hands over through the environment that every worker inherits: DASH_TEST_POSTGRES_URL,
 * DASH_TEST_TEMPORAL_ADDRESS, DASH_TEST_TEMPORAL_BINARY, DASH_TEST_LAUNCH_ID, DASH_TEST_WORKFLOW_BUNDLE.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { enterRunDirectory } from './run-directory.ts';
import { rememberServices } from './running-services.ts';
import { startTestServices } from './test-services.ts';

const BUNDLER = join(import.meta.dirname, '..', '..', 'scripts', 'build-workflow-bundle.ts');

export default async function setUp(): Promise<void> {
  enterRunDirectory();
  const services = await startTestServices(process.env);
  rememberServices(services);
  process.env['DASH_TEST_POSTGRES_URL'] = services.postgresUrl;
  process.env['DASH_TEST_TEMPORAL_ADDRESS'] = services.temporalAddress;
  if (services.temporalBinary !== undefined) {
    process.env['DASH_TEST_TEMPORAL_BINARY'] = services.temporalBinary;
  }
  process.env['DASH_TEST_LAUNCH_ID'] = services.launchId;
  // Bundled once for all test files that run Dash's own workflows.
  const bundle = join(services.dir, 'workflow-bundle.js');
  await promisify(execFile)(process.execPath, [BUNDLER, bundle]);
  process.env['DASH_TEST_WORKFLOW_BUNDLE'] = bundle;
}

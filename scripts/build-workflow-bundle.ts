/**
 * Bundles the workflow code once, so that workers in an image start without a bundler:
 * `node scripts/build-workflow-bundle.ts [file]`, then DASH_WORKFLOW_BUNDLE=<file>. The bundle fits
 * exactly the Temporal SDK it was made with.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const ROOT = dirname(import.meta.dirname);

/** Writes the bundle to `path` and answers its size in bytes. */
export async function buildWorkflowBundle(path: string): Promise<number> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows', 'index.ts'),
    logger: new DefaultLogger('WARN'),
  });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  return Buffer.byteLength(code);
}

if (import.meta.main) {
  const path = resolve(process.argv[2] ?? join(ROOT, 'dist', 'workflow-bundle.js'));
  const bytes = await buildWorkflowBundle(path);
  console.log(`workflow bundle: ${(bytes / 1_000_000).toFixed(2)} MB in ${path}`);
}

/**
 * `npm run build`: what an image runs. Compiles the product to JavaScript, puts beside it what the
 * compiler passes over (SQL, scripts in plain JavaScript), and bundles the workflows.
 *
 *   node scripts/build.ts [--out-dir dist]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildWorkflowBundle } from './build-workflow-bundle.ts';

const ROOT = dirname(import.meta.dirname);
const FOLDERS = ['src', 'workflows', 'activities', 'workers', 'api', 'cli'];

const { values } = parseArgs({ options: { 'out-dir': { type: 'string', default: 'dist' } } });
const outDir = resolve(ROOT, values['out-dir']);

rmSync(outDir, { recursive: true, force: true });
const compiler = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules/@typescript/native/bin/tsc'),
    '-p',
    'tsconfig.build.json',
    '--outDir',
    outDir,
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
if (compiler.status !== 0) {
  console.error('The build stops here: the compiler found errors (above).');
  process.exit(1);
}
const assets = globSync(
  FOLDERS.map((folder) => `${folder}/**/*.*`),
  { cwd: ROOT },
).filter((path) => !/\.([cm]?ts|md)$/.test(path));
for (const path of assets) cpSync(join(ROOT, path), join(outDir, path));
await buildWorkflowBundle(join(outDir, 'workflow-bundle.js'));
console.log(
  `built ${outDir}: ${assets.length} files beside the compiled code, and the workflow bundle`,
);

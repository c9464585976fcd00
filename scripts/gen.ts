/**
 * Writes every file of the repository that is made from code: `npm run gen`. A test makes them anew and compares, so
 * none of them is edited by hand or forgotten.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GENERATED_FOLDERS, generatedFiles } from './gen/generated-files.ts';

const root = join(import.meta.dirname, '..');
const files = generatedFiles(root);
for (const [path, content] of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}
for (const folder of GENERATED_FOLDERS) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile() && !files.has(path)) rmSync(join(root, path));
  }
}
console.log(`${files.size} files written`);

/**
 * An npm in small for tests of what installs: `npm ci` in the current directory makes node_modules as
 * a real one does (the old tree goes first, the hidden lock file comes last). FAKE_NPM says how it
 * goes; FAKE_NPM_COUNT names a file that gets a line per run.
 *
 *   ok        installs
 *   hang      stops in the middle, for ever
 *   offline   fails as without a network
 *   full      fails as on a full disk
 */
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const how = process.env['FAKE_NPM'] ?? 'ok';
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
if (process.env['FAKE_NPM_COUNT']) appendFileSync(process.env['FAKE_NPM_COUNT'], `${how}\n`);

rmSync('node_modules', { recursive: true, force: true });
for (const [place, { version, content }] of Object.entries(packages).filter(
  ([place]) => place !== '',
)) {
  process.stderr.write(`npm http fetch GET 200 https://registry.invalid/${place}/-/x.tgz 5ms\n`);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), JSON.stringify({ version }));
  for (const [file, text] of Object.entries(content ?? {})) {
    mkdirSync(dirname(join(place, file)), { recursive: true });
    writeFileSync(join(place, file), text, { mode: 0o755 });
  }
  if (how === 'hang') setInterval(() => undefined, 1_000);
  if (how === 'hang') break;
}
if (how === 'offline' || how === 'full') {
  const code = how === 'full' ? 'ENOSPC' : 'ENOTFOUND';
  process.stderr.write(`npm error code ${code}\nnpm error syscall x\n`);
  process.exitCode = 1;
}
if (how === 'ok') cpSync('package-lock.json', 'node_modules/.package-lock.json');

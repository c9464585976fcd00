#!/usr/bin/env node
// The `dashctl` of a checkout, callable from any directory. Where this Node and the installed
// packages will do, the command line runs at once; otherwise the launcher sets both up first.
import { existsSync, readFileSync } from 'node:fs';
import { satisfies } from '../scripts/launch/node-range.mjs';

const root = new URL('..', import.meta.url);
const { engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const isReady =
  satisfies(process.versions.node, engines.node) &&
  existsSync(new URL('node_modules/.package-lock.json', root));
const args = process.argv.slice(2);

if (isReady) await (await import('./main.ts')).main(args);
else await (await import('../scripts/launch/main.mjs')).main(['dashctl', ...args]);

import { afterAll, describe, expect, test } from '@jest/globals';
import { plantTree } from '../../support/planted-tree.ts';

/** One forbidden line: the lint rule that must catch it, where it is planted, and the code. */
type Plant = readonly [rule: string, path: string, code: string];

const promise = 'async function work(): Promise<number> { return Promise.resolve(1); }\n';

const plants: readonly Plant[] = [
  ['no-process-env', 'src/db/env.ts', "export const home = process.env['HOME'];"],
  ['no-process-env', 'workers/env.ts', "export const home = process.env['HOME'];"],
  [
    'no-restricted-imports',
    'src/db/env-import.ts',
    "import { env } from 'node:process';\nexport const all = env;",
  ],
  ['no-restricted-globals', 'src/domain/date.ts', 'export const now = (): Date => new Date();'],
  [
    'no-restricted-globals',
    'src/router/timer.ts',
    'export const later = (): void => void setTimeout(() => undefined, 1);',
  ],
  [
    'no-restricted-globals',
    'src/contract/process.ts',
    'export const pid = (): number => process.pid;',
  ],
  [
    'no-restricted-properties',
    'src/domain/chance.ts',
    'export const chance = (): number => Math.random();',
  ],
  ['no-restricted-properties', 'src/db/now.ts', 'export const now = (): number => Date.now();'],
  [
    'no-restricted-imports',
    'src/domain/node.ts',
    "import { join } from 'node:path';\nexport const path = join('a', 'b');",
  ],
  [
    'no-restricted-imports',
    'src/router/db.ts',
    "import type { Pool } from 'pg';\nexport type P = Pool;",
  ],
  [
    'no-restricted-imports',
    'workflows/pg.ts',
    "import { Pool } from 'pg';\nexport const pool = new Pool();",
  ],
  [
    'no-restricted-imports',
    'workflows/activity.ts',
    "import { act } from '../activities/act.ts';\nexport const a = act;",
  ],
  [
    'no-restricted-imports',
    'workflows/client.ts',
    "import { Client } from '@temporalio/client';\nexport const c = Client;",
  ],
  [
    'no-restricted-globals',
    'workflows/fetch.ts',
    "export const get = (): Promise<Response> => fetch('http://localhost');",
  ],
  [
    'no-restricted-imports',
    'api/tests.ts',
    "import { help } from '../tests/help.ts';\nexport const h = help;",
  ],
  [
    'no-floating-promises',
    'src/db/floating.ts',
    `${promise}export function run(): void { work(); }`,
  ],
  [
    'no-misused-promises',
    'src/db/misused.ts',
    `${promise}export function run(): void { [1].forEach(async () => { await work(); }); }`,
  ],
  [
    'switch-exhaustiveness-check',
    'src/domain/switch.ts',
    "export function f(x: 'a' | 'b'): number { switch (x) { case 'a': return 1; } return 0; }",
  ],
  [
    'switch-exhaustiveness-check',
    'src/domain/default.ts',
    "export function f(x: 'a' | 'b'): number { switch (x) { case 'a': return 1; default: return 0; } }",
  ],
  [
    'no-explicit-any',
    'src/db/any.ts',
    'export const anything = (x: any): unknown => x as unknown;',
  ],
  [
    'no-unsafe-member-access',
    'src/db/unsafe.ts',
    "export const name = (): unknown => (JSON.parse('{}').a as unknown);",
  ],
  [
    'no-non-null-assertion',
    'src/db/bang.ts',
    'export const first = (list: number[]): number => list[0]!;',
  ],
  [
    'no-unused-vars',
    'src/db/unused.ts',
    'export function f(): number { const unused = 1; return 2; }',
  ],
  ['no-default-export', 'src/db/default.ts', 'export default function f(): void {}'],
  ['no-console', 'src/db/console.ts', "export const say = (): void => console.log('hello');"],
  [
    'explicit-module-boundary-types',
    'src/db/untyped.ts',
    'export function f() { return { a: 1 }; }',
  ],
  ['max-lines', 'src/db/long-file.ts', `${'export {};\n'.repeat(501)}`],
  [
    'max-lines-per-function',
    'src/db/long-function.ts',
    `export function f(): number {\n${'  Math.abs(1);\n'.repeat(51)}  return 1;\n}`,
  ],
  [
    'no-focused-tests',
    'tests/unit/focused.test.ts',
    "import { expect, test } from '@jest/globals';\ntest.only('x', () => expect(1).toBe(1));",
  ],
  [
    'expect-expect',
    'tests/unit/hollow.test.ts',
    "import { test } from '@jest/globals';\ntest('x', () => undefined);",
  ],
];

const allowed: Readonly<Record<string, string>> = {
  'activities/act.ts': 'export const act = (): Promise<number> => Promise.resolve(1);',
  'tests/help.ts': 'export const help = (list: number[]): number => list[0]!;',
  'src/config/process-config.ts':
    "export const home = (): string | undefined => process.env['HOME'];",
  'src/platform/clock.ts': 'export const now = (): number => Date.now();',
  'workflows/typed.ts':
    "import type * as acts from '../activities/act.ts';\nexport type Acts = typeof acts;",
  'scripts/tool.ts': "console.log(process.env['HOME'], Date.now());",
  'cli/say.ts': "export const say = (): void => console.log('hello');",
};

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

const tree = plantTree({
  files: { ...Object.fromEntries(plants.map(([, path, code]) => [path, `${code}\n`])), ...allowed },
  configs: ['.oxlintrc.json', 'tsconfig.json', 'package.json'],
  packages: 'real',
});
afterAll(() => tree.remove());

const { output } = tree.run('oxlint', ['--config', '.oxlintrc.json', '--format', 'json', '.']);
const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] };

describe('the lint fences', () => {
  test.each(plants)('%s catches %s', (rule, path) => {
    const rules = diagnostics.filter(({ filename }) => filename === path).map(({ code }) => code);
    expect(rules.map((code) => code.replace(/^.*\((.*)\)$/, '$1'))).toContain(rule);
  });

  test('what is allowed in its place stays silent', () => {
    expect(diagnostics.filter(({ filename }) => filename in allowed)).toEqual([]);
  });
});

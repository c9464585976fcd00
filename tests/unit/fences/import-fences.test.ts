import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { plantTree, PROJECT_DIR } from '../../support/planted-tree.ts';

/** One forbidden import: the rule that must catch it, the importing file and what it imports. */
type Plant = readonly [rule: string, from: string, imports: string];

const WRITTEN = '.dependency-cruiser.cjs';
const RUNTIME = '.dependency-cruiser.runtime.cjs';
const FOLDERS = ['src', 'workflows', 'activities', 'workers', 'api', 'cli', 'scripts', 'tests'];
const PACKAGES = ['pg', 'kysely', 'ws', 'zod', 'zod-openapi', 'fast-check', '@temporalio/workflow'];

const writtenPlants: readonly Plant[] = [
  ['no-circular', 'src/db/circle-a.ts', '../db/circle-b.ts'],
  ['not-to-unresolvable', 'src/db/nowhere.ts', './does-not-exist.ts'],
  ['no-tests-import', 'src/db/leans-on-tests.ts', '../../tests/support/help.ts'],
  ['no-scripts-import', 'api/leans-on-scripts.ts', '../scripts/tool.ts'],
  ['not-to-dev-dep', 'src/db/uses-dev.ts', 'fast-check'],
  ['domain-is-pure', 'src/domain/with-package.ts', 'pg'],
  ['domain-is-pure', 'src/domain/with-node.ts', 'node:fs'],
  ['domain-is-pure', 'src/domain/with-type.ts', 'type ../db/store.ts'],
  ['router-is-pure', 'src/router/with-db.ts', '../db/store.ts'],
  ['contract-is-browser-safe', 'src/contract/with-node.ts', 'node:crypto'],
  ['contract-is-browser-safe', 'src/contract/with-openapi.ts', 'zod-openapi'],
  ['contract-openapi-only-zod', 'src/contract/openapi.ts', 'node:fs'],
  ['workflows-import-pure-code', 'workflows/with-db.ts', '../src/db/store.ts'],
  ['workflows-import-pure-code', 'workflows/with-type.ts', 'type ../src/db/store.ts'],
  ['workflows-activities-type-only', 'workflows/with-activity.ts', '../activities/act.ts'],
  ['platform-stands-alone', 'src/platform/with-db.ts', '../db/store.ts'],
  ['config-reads-only', 'src/config/with-db.ts', '../db/store.ts'],
  ['telemetry-serves', 'src/telemetry/with-db.ts', '../db/store.ts'],
  ['telemetry-config-type-only', 'src/telemetry/with-config.ts', '../config/settings.ts'],
  ['db-and-gateway-strangers-db', 'src/db/with-gateway.ts', '../gateway/client.ts'],
  ['db-and-gateway-strangers-gateway', 'src/gateway/with-db.ts', '../db/store.ts'],
  ['dashboard-probes-from-outside', 'src/dashboard/with-db.ts', '../db/store.ts'],
  ['temporal-names-and-clients', 'src/temporal/with-db.ts', '../db/store.ts'],
  ['temporal-workflows-type-only', 'src/temporal/with-workflow.ts', '../../workflows/flow.ts'],
  ['auth-knows-credentials', 'src/auth/with-gateway.ts', '../gateway/client.ts'],
  ['local-stands-alone', 'src/local/with-db.ts', '../db/store.ts'],
  ['local-only-for-composition', 'workers/with-local.ts', '../src/local/server.ts'],
  ['no-sideways-activities', 'activities/with-workflow.ts', 'type ../workflows/flow.ts'],
  ['no-sideways-workers', 'workers/with-api.ts', '../api/server.ts'],
  ['no-sideways-workers', 'workers/with-workflow.ts', '../workflows/flow.ts'],
  ['no-sideways-api', 'api/with-activity.ts', '../activities/act.ts'],
  ['cli-is-a-client', 'cli/commands/with-db.ts', '../../src/db/store.ts'],
  ['cli-composition-starts-processes', 'cli/up/with-activity.ts', '../../activities/act.ts'],
  ['shared-library-has-no-process', 'src/gateway/with-api.ts', '../../api/server.ts'],
];

const runtimePlants: readonly Plant[] = [
  ['workflows-reach-no-io', 'workflows/two-hops.ts', '../src/domain/leak.ts'],
  ['domain-reaches-nothing', 'src/domain/hop.ts', './leak.ts'],
  ['router-reaches-nothing', 'src/router/hop.ts', '../domain/leak.ts'],
  ['contract-reaches-no-node', 'src/contract/hop.ts', './node-leak.ts'],
  ['db-never-reaches-gateway', 'src/db/hop.ts', '../platform/to-gateway.ts'],
  ['gateway-never-reaches-db', 'src/gateway/hop.ts', '../platform/to-db.ts'],
  ['product-never-reaches-tests', 'api/hop.ts', '../scripts/to-tests.ts'],
];

/** What the plants lead to, and imports that are allowed and must stay silent. */
const ground: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    type: 'module',
    dependencies: Object.fromEntries(
      PACKAGES.filter((name) => name !== 'fast-check').map((name) => [name, '1.0.0']),
    ),
    devDependencies: { 'fast-check': '1.0.0' },
  }),
  'src/db/circle-b.ts': statement('../db/circle-a.ts'),
  'src/db/store.ts': statement('pg'),
  'src/domain/leak.ts': statement('pg'),
  'src/domain/vocabulary.ts': statement('zod'),
  'src/contract/node-leak.ts': statement('node:crypto'),
  'src/platform/to-gateway.ts': statement('../gateway/client.ts'),
  'src/platform/to-db.ts': statement('../db/store.ts'),
  'src/config/settings.ts': statement('../domain/vocabulary.ts'),
  'src/gateway/client.ts': statement('ws'),
  'src/local/server.ts': 'export const server = 1;',
  'activities/act.ts': statement('../src/db/store.ts'),
  'api/server.ts': statement('../src/db/store.ts'),
  'scripts/tool.ts': 'export const tool = 1;',
  'scripts/to-tests.ts': statement('../tests/support/help.ts'),
  'tests/support/help.ts': 'export const help = 1;',
  'workflows/flow.ts': `${statement('type ../activities/act.ts')}\n${statement('@temporalio/workflow')}`,
  'workflows/allowed.ts': `${statement('../src/domain/vocabulary.ts')}\n${statement('./flow.ts')}`,
  'cli/up/allowed.ts': `${statement('../../src/local/server.ts')}\n${statement('../../api/server.ts')}`,
  'src/gateway/lonely.ts': 'export const lonely = 1;',
};

function statement(imports: string): string {
  const target = imports.replace(/^type /, '');
  return imports.startsWith('type ')
    ? `import type * as it from '${target}';\nexport type It = typeof it;`
    : `import * as it from '${target}';\nexport const found = it;`;
}

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

const tree = plantTree({
  files: {
    ...ground,
    ...Object.fromEntries(
      [...writtenPlants, ...runtimePlants].map(([, from, imports]) => [from, statement(imports)]),
    ),
  },
  configs: [WRITTEN, RUNTIME, 'tsconfig.json'],
  packages: PACKAGES,
});
afterAll(() => tree.remove());

function violations(config: string): Violation[] {
  const { output } = tree.run('depcruise', [
    '--config',
    config,
    '--output-type',
    'json',
    ...FOLDERS,
  ]);
  const report = JSON.parse(output) as { summary: { violations: Violation[] } };
  return report.summary.violations;
}

const found = { written: violations(WRITTEN), runtime: violations(RUNTIME) };

function isCaught(list: readonly Violation[], rule: string, from: string): boolean {
  return list.some((violation) => violation.rule.name === rule && violation.from === from);
}

describe('the import fences', () => {
  test.each(writtenPlants)('%s catches %s importing %s', (rule, from) => {
    expect(isCaught(found.written, rule, from)).toBe(true);
  });

  test('a module that nobody uses is found', () => {
    expect(isCaught(found.written, 'no-orphans', 'src/gateway/lonely.ts')).toBe(true);
  });

  test.each(runtimePlants)('%s catches %s reaching it through %s', (rule, from) => {
    expect(isCaught(found.runtime, rule, from)).toBe(true);
  });

  test('allowed imports are silent: types of activities in workflows, everything in the composition root', () => {
    const allowed = [
      'workflows/flow.ts',
      'workflows/allowed.ts',
      'cli/up/allowed.ts',
      'src/config/settings.ts',
    ];
    const all = [...found.written, ...found.runtime];
    expect(all.filter(({ from }) => allowed.includes(from))).toEqual([]);
  });

  test('each rule has a planted violation here', () => {
    const require = createRequire(import.meta.url);
    const names = [WRITTEN, RUNTIME].flatMap((config) => {
      const { forbidden } = require(join(PROJECT_DIR, config)) as { forbidden: { name: string }[] };
      return forbidden.map(({ name }) => name);
    });
    const planted = new Set(
      [...writtenPlants, ...runtimePlants].map(([rule]) => rule).concat('no-orphans'),
    );
    expect(names.filter((name) => !planted.has(name))).toEqual([]);
  });
});

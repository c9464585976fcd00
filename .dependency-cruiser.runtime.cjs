/**
 * What code can reach when it runs, over any number of hops: the graph without type-only imports
 * (they are erased, so they reach nothing). The graph as written is .dependency-cruiser.cjs.
 */
const { builtinModules } = require('node:module');
const { options } = require('./.dependency-cruiser.cjs');

const NODE = `^(node:)?(${[...new Set(builtinModules.map((name) => name.split('/')[0]))].join('|')})(/|$)`;
const PURE_LIBRARY = '^node_modules/zod/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'workflows-reach-no-io',
      comment:
        'Something that a workflow imports leads to I/O. Workflows are replayed: break that chain.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        reachable: true,
        path: [
          NODE,
          '^src/(db|gateway|config|auth|telemetry|platform|local|temporal)/',
          '^(activities|workers|api|cli|scripts|tests)/',
          '^node_modules/',
        ],
        pathNot: ['^node_modules/@temporalio/(workflow|common)/', PURE_LIBRARY],
      },
    },
    {
      name: 'domain-reaches-nothing',
      comment: 'src/domain is pure, however many hops away.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { reachable: true, path: '.', pathNot: ['^src/domain/', PURE_LIBRARY] },
    },
    {
      name: 'router-reaches-nothing',
      comment: 'src/router is pure, however many hops away.',
      severity: 'error',
      from: { path: '^src/router/' },
      to: { reachable: true, path: '.', pathNot: ['^src/(router|domain)/', PURE_LIBRARY] },
    },
    {
      name: 'contract-reaches-no-node',
      comment: 'src/contract runs in a browser: it reaches no built-in module of Node.',
      severity: 'error',
      from: { path: '^src/contract/' },
      to: { reachable: true, path: NODE },
    },
    {
      name: 'db-never-reaches-gateway',
      comment: 'src/db and src/gateway are strangers: only activities know both.',
      severity: 'error',
      from: { path: '^src/db/' },
      to: { reachable: true, path: '^src/(gateway|temporal)/' },
    },
    {
      name: 'gateway-never-reaches-db',
      comment: 'src/gateway and src/db are strangers: only activities know both.',
      severity: 'error',
      from: { path: '^src/gateway/' },
      to: { reachable: true, path: '^src/(db|temporal)/|^node_modules/(pg|kysely)/' },
    },
    {
      name: 'product-never-reaches-tests',
      comment: 'What is shipped leans on nothing that is not.',
      severity: 'error',
      from: {
        path: '^(src|workflows|activities|workers|api|cli)/',
        pathNot: '^cli/dashctl\\.mjs$',
      },
      to: { reachable: true, path: '^(tests|scripts|examples)/' },
    },
  ],
  options: { ...options, tsPreCompilationDeps: false },
};

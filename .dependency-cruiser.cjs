/**
 * Who may import whom: the table of ARCHITECTURE.md as rules. This graph is the one people write
 * (type-only imports included); what code can *reach* when it runs, over any number of hops, is
 * checked on the graph without types by .dependency-cruiser.runtime.cjs.
 */
const SHARED = '^src/';
const CLI_COMPOSITION = '^cli/(up/|commands/(up|doctor|migrate)\\.ts$)';
const PURE_LIBRARY = '^node_modules/zod/';

/** From `folder`, only these paths of the project; packages are restricted by other rules. */
function only(name, folder, allowed, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: `^${folder}/` },
    to: {
      path: '^(src|workflows|activities|workers|api|cli|scripts|tests|examples|tools)/',
      pathNot: [`^${folder}/`, ...allowed.map((path) => `^${path}/`)],
    },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle has no beginning to read from. Move what both need into a third file.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing uses this module and it is no entry point: wire it or remove it.',
      severity: 'error',
      from: {
        orphan: true,
        path: '^(src|workflows|activities|workers|api|cli)/',
        pathNot: '\\.d\\.ts$',
      },
      to: {},
    },
    {
      name: 'not-to-unresolvable',
      comment: 'This import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-tests-import',
      comment:
        'Nothing that is shipped may lean on tests/; scripts may use what the tests start services with.',
      severity: 'error',
      from: { pathNot: '^(tests|scripts)/' },
      to: { path: '^tests/' },
    },
    {
      name: 'no-scripts-import',
      comment:
        'Scripts are for people and CI; only the bin of dashctl goes through their launcher, to find its Node.',
      severity: 'error',
      from: {
        path: '^(src|workflows|activities|workers|api|cli)/',
        pathNot: '^cli/dashctl\\.mjs$',
      },
      to: { path: '^(scripts|examples|tools)/' },
    },
    {
      name: 'not-to-dev-dep',
      comment:
        'The product may only use what is installed with it: move the package to dependencies.',
      severity: 'error',
      from: { path: '^(src|workflows|activities|workers|api|cli)/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm'],
      },
    },
    {
      name: 'domain-is-pure',
      comment: 'src/domain knows zod and itself: no Node, no package, no other folder.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', PURE_LIBRARY] },
    },
    {
      name: 'router-is-pure',
      comment: 'src/router scores; it knows src/domain and itself.',
      severity: 'error',
      from: { path: '^src/router/' },
      to: { pathNot: ['^src/(router|domain)/', PURE_LIBRARY] },
    },
    {
      name: 'contract-is-browser-safe',
      comment:
        'src/contract runs in a browser: domain and zod, and zod-openapi in openapi.ts alone.',
      severity: 'error',
      from: { path: '^src/contract/', pathNot: '^src/contract/openapi\\.ts$' },
      to: { pathNot: ['^src/(contract|domain)/', PURE_LIBRARY] },
    },
    {
      name: 'contract-openapi-only-zod',
      comment: 'The document builder of src/contract knows domain, zod and zod-openapi.',
      severity: 'error',
      from: { path: '^src/contract/openapi\\.ts$' },
      to: { pathNot: ['^src/(contract|domain)/', PURE_LIBRARY, '^node_modules/zod-openapi/'] },
    },
    {
      name: 'workflows-import-pure-code',
      comment:
        'A workflow is replayed: domain, router, the workflow and common packages of Temporal, nothing else.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        pathNot: [
          '^workflows/',
          '^src/(domain|router)/',
          '^(activities|src/contract)/',
          '^node_modules/@temporalio/(workflow|common)/',
          PURE_LIBRARY,
        ],
      },
    },
    {
      name: 'workflows-activities-type-only',
      comment: 'Workflows know activities and the contract by their types only: `import type`.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^(activities|src/contract)/', dependencyTypesNot: ['type-only'] },
    },
    only(
      'platform-stands-alone',
      'src/platform',
      [],
      'src/platform serves all folders and knows none.',
    ),
    only(
      'config-reads-only',
      'src/config',
      ['src/platform', 'src/domain'],
      'src/config knows src/platform and src/domain.',
    ),
    only(
      'telemetry-serves',
      'src/telemetry',
      ['src/platform', 'src/config', 'src/domain'],
      'src/telemetry measures; processes hand it what to measure.',
    ),
    {
      name: 'telemetry-config-type-only',
      comment: 'src/telemetry knows configuration by its types only: values are handed in.',
      severity: 'error',
      from: { path: '^src/telemetry/' },
      to: { path: '^src/config/', dependencyTypesNot: ['type-only'] },
    },
    only(
      'db-and-gateway-strangers-db',
      'src/db',
      ['src/domain', 'src/platform', 'src/telemetry'],
      'src/db knows rows; gateways, Temporal and processes are strangers to it.',
    ),
    only(
      'db-and-gateway-strangers-gateway',
      'src/gateway',
      ['src/domain', 'src/platform', 'src/telemetry'],
      'src/gateway speaks to gateways; rows, Temporal and processes are strangers to it.',
    ),
    only(
      'dashboard-probes-from-outside',
      'src/dashboard',
      ['src/domain', 'src/gateway', 'src/platform'],
      'src/dashboard reaches a dashboard as its users do; rows and Temporal are strangers to it.',
    ),
    only(
      'temporal-names-and-clients',
      'src/temporal',
      ['src/domain', 'src/config', 'src/platform', 'workflows'],
      'src/temporal makes clients and names: no rows, no gateways.',
    ),
    {
      name: 'temporal-workflows-type-only',
      comment:
        'src/temporal knows workflows by their types only: they run in a sandbox of their own.',
      severity: 'error',
      from: { path: '^src/temporal/' },
      to: { path: '^workflows/', dependencyTypesNot: ['type-only'] },
    },
    only(
      'auth-knows-credentials',
      'src/auth',
      ['src/domain', 'src/contract', 'src/db', 'src/platform'],
      'src/auth knows credentials and rows, neither the API nor gateways.',
    ),
    only(
      'local-stands-alone',
      'src/local',
      ['src/platform', 'src/domain'],
      'src/local starts programs on one machine; it knows only platform and domain.',
    ),
    {
      name: 'local-only-for-composition',
      comment:
        'Only `dashctl up`, its doctor, scripts and tests may start programs on this machine.',
      severity: 'error',
      from: {
        path: '^(src|workflows|activities|workers|api|cli)/',
        pathNot: ['^src/local/', '^cli/'],
      },
      to: { path: '^src/local/' },
    },
    {
      name: 'no-sideways-activities',
      comment: 'Activities know src; not workflows (even types), api, workers or cli.',
      severity: 'error',
      from: { path: '^activities/' },
      to: { path: '^(workflows|workers|api|cli)/' },
    },
    {
      name: 'no-sideways-workers',
      comment:
        'Workers run activities and name workflows by path; api and cli are other processes.',
      severity: 'error',
      from: { path: '^workers/' },
      to: { path: '^(workflows|api|cli)/' },
    },
    {
      name: 'no-sideways-api',
      comment: 'The api knows src; activities, workers and cli are other processes.',
      severity: 'error',
      from: { path: '^api/' },
      to: { path: '^(workflows|activities|workers|cli)/' },
    },
    {
      name: 'cli-is-a-client',
      comment:
        'dashctl speaks to the API; only `up`, `doctor` and `migrate` touch what is behind it.',
      severity: 'error',
      from: { path: '^cli/', pathNot: CLI_COMPOSITION },
      to: {
        path: '^(src|workflows|activities|workers|api)/',
        pathNot: '^src/(contract|config|platform|domain)/',
      },
    },
    {
      name: 'cli-composition-starts-processes',
      comment:
        'The composition root calls the start functions of api and workers, and knows types of what is behind them.',
      severity: 'error',
      from: { path: CLI_COMPOSITION },
      to: { path: '^(workflows|activities)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'shared-library-has-no-process',
      comment: 'src is a library: processes use it, never the other way round.',
      severity: 'error',
      from: { path: SHARED },
      to: { path: '^(activities|workers|api|cli)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|\\.dash|tools/[^/]+/node_modules|tests/histories)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    skipAnalysisNotInRules: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};

/**
 * Variables that begin with `DASH_` and are no settings of a process: read by `dashctl`, the tools and
 * the tests before, or without, a configuration. Listed so that they are documented, and a misspelt one
 * is told apart from them.
 */
export const OTHER_VARIABLES: readonly { readonly name: string; readonly description: string }[] = [
  {
    name: 'DASH_CONFIG',
    description: 'File with the settings above, instead of `dash.yaml` in the project.',
  },
  {
    name: 'DASH_LAUNCH_ID',
    description:
      'Set by Dash itself: marks the local processes of one start, so that the next one finds them.',
  },
  {
    name: 'DASH_CACHE_DIR',
    description: 'Where downloaded programs are kept; `.dash/cache` of the project by default.',
  },
  { name: 'DASH_URL', description: 'Address of the API that `dashctl` speaks to.' },
  { name: 'DASH_API_KEY', description: 'API key that `dashctl` shows. Secret.' },
  {
    name: 'DASH_GATEWAY_TOKEN',
    description: 'Token of the gateway that `dashctl gateway add` registers. Secret.',
  },
];

/** Prefixes of the variables of the tests and the benchmark. */
export const OTHER_PREFIXES: readonly string[] = ['DASH_TEST_', 'DASH_BENCH_'];

/** One thing that is wrong with the configuration: which setting, where it came from, what to do. */
export interface ConfigProblem {
  /** `api.port` */
  readonly setting: string;
  /** `DASH_API_PORT`, `dash.yaml:3:9`, `--port`: what the person has to change. */
  readonly source: string;
  readonly message: string;
}

/** The configuration cannot be used; `message` lists every problem, never a secret value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ source, setting, message }) =>
      source === setting ? `  ${source}: ${message}` : `  ${source} (${setting}): ${message}`,
    );
    super(`The configuration cannot be used:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

import { gatewayPaths } from './gateway-config.ts';
import { modelEnvironment, type GatewayModel } from './gateway-model.ts';

export interface GatewayEnvOptions {
  readonly dir: string;
  readonly model: GatewayModel;
  /** `PATH` of the machine; OpenClaw's helpers are found through it. */
  readonly path: string;
  readonly tmpDir: string | null;
  /** Marks that whoever starts it wants its processes to carry. */
  readonly marks: Readonly<Record<string, string>>;
}

/**
 * The whole environment of a managed gateway. Nothing is inherited: variables of a test runner or of another
 * OpenClaw change how a gateway behaves (silent logs, other state directories, refused runs).
 */
export function gatewayEnv(options: GatewayEnvOptions): Readonly<Record<string, string>> {
  const { configPath, stateDir } = gatewayPaths(options.dir);
  return {
    PATH: options.path,
    HOME: options.dir,
    LANG: 'C.UTF-8',
    ...(options.tmpDir === null ? {} : { TMPDIR: options.tmpDir }),
    OPENCLAW_STATE_DIR: stateDir,
    OPENCLAW_CONFIG_PATH: configPath,
    ...QUIET,
    ...LEAN,
    ...modelEnvironment(options.model),
    ...options.marks,
  };
}

/** Everything that an orchestrated gateway does not do by itself. */
const QUIET = {
  OPENCLAW_SKIP_CHANNELS: '1',
  OPENCLAW_SKIP_PROVIDERS: '1',
  OPENCLAW_SKIP_CRON: '1',
  OPENCLAW_SKIP_GMAIL_WATCHER: '1',
  OPENCLAW_SKIP_CANVAS_HOST: '1',
  OPENCLAW_SKIP_BROWSER_CONTROL_SERVER: '1',
  OPENCLAW_SKIP_STARTUP_MODEL_PREWARM: '1',
  OPENCLAW_NO_AUTO_UPDATE: '1',
  OPENCLAW_DISABLE_BONJOUR: '1',
  OPENCLAW_EXEC_SHELL_SNAPSHOT: '0',
  // A restart that somebody asks the gateway for stays in the process that Dash knows.
  OPENCLAW_NO_RESPAWN: '1',
  // Dash owns the process: service verbs and self-updates are refused, a hand-off before SIGTERM is accepted.
  OPENCLAW_SUPERVISOR_MODE: 'external',
} as const;

/** About 150 MB less per gateway, without a longer start. */
const LEAN = { MALLOC_ARENA_MAX: '2', NODE_OPTIONS: '--max-semi-space-size=4' } as const;

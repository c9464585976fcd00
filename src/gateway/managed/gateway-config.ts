import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { providerEntry, type GatewayModel } from './gateway-model.ts';

export interface GatewayConfigOptions {
  readonly dir: string;
  readonly port: number;
  readonly token: string;
  readonly model: GatewayModel;
  /** Runs that execute at once; null: OpenClaw's own default. */
  readonly maxConcurrent: number | null;
  /**
   * `minimal` keeps the agent away from the host: OpenClaw's default gives it a shell without asking.
   * `full` is for operators who want that.
   */
  readonly tools: 'minimal' | 'full';
}

/** Where one managed gateway keeps its things; nothing is shared with another gateway. */
export interface GatewayPaths {
  readonly configPath: string;
  readonly stateDir: string;
  readonly workspaceDir: string;
  /** Standard output and error of the process. */
  readonly outputPath: string;
}

export function gatewayPaths(dir: string): GatewayPaths {
  return {
    configPath: join(dir, 'openclaw.json'),
    stateDir: join(dir, 'state'),
    workspaceDir: join(dir, 'workspace'),
    outputPath: join(dir, 'gateway.log'),
  };
}

/**
 * The configuration of a managed gateway: on loopback, with a token, one model, and everything off that an
 * orchestrated gateway does not need (it starts faster, stays smaller, and calls no model by itself).
 */
export function gatewayConfig(options: GatewayConfigOptions): Readonly<Record<string, unknown>> {
  const { dir, port, token } = options;
  const { workspaceDir } = gatewayPaths(dir);
  const provider = providerEntry(options.model);
  return {
    gateway: {
      mode: 'local',
      bind: 'loopback',
      port,
      auth: { mode: 'token', token },
      controlUi: { enabled: false },
      terminal: { enabled: false },
    },
    agents: {
      defaults: {
        workspace: workspaceDir,
        model: { primary: `${provider.id}/${provider.modelId}` },
        skipBootstrap: true,
        heartbeat: { every: '0m' },
        ...(options.maxConcurrent === null ? {} : { maxConcurrent: options.maxConcurrent }),
      },
    },
    tools: { profile: options.tools },
    models: {
      mode: 'replace',
      catalogRefresh: { enabled: false },
      providers: { [provider.id]: provider.config },
    },
    secrets: { providers: { default: { source: 'env' } } },
    plugins: { enabled: false },
    logging: { file: join(dir, 'openclaw.log') },
    session: { notifyOnCreate: false },
    cron: { enabled: false },
    discovery: { mdns: { mode: 'off' } },
    update: { checkOnStart: false, auto: { enabled: false } },
    telemetry: { enabled: false },
    browser: { enabled: false },
    hooks: { enabled: false, internal: { enabled: false } },
    transcripts: { enabled: false },
    skills: { load: { watch: false } },
  };
}

/** Makes the gateway's directories and writes its configuration, readable by its owner alone, whole or not at all. */
export function writeGatewayConfig(options: GatewayConfigOptions): GatewayPaths {
  const paths = gatewayPaths(options.dir);
  for (const dir of [options.dir, paths.stateDir, paths.workspaceDir]) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }
  const text = `${JSON.stringify(gatewayConfig(options), null, 2)}\n`;
  // A gateway that lives here watches its file: what has not changed is not touched.
  if (readOrNull(paths.configPath) === text) return paths;
  writeFileSync(`${paths.configPath}.part`, text, { mode: 0o600 });
  renameSync(`${paths.configPath}.part`, paths.configPath);
  return paths;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

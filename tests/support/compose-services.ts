import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { imageEnvironment } from '../../scripts/image.ts';
import { interpolate, type ComposeService } from './compose-file.ts';
import { PROJECT_DIR } from './planted-tree.ts';

/**
 * Runs services of docker-compose.yml as plain processes, where there is no Docker: the command of the
 * file, with the environment of the image and of the file, and with the names of the other services
 * put on loopback.
 */
export interface ComposeGround {
  /** Stands for the image's /app. */
  readonly imageDir: string;
  /** Stands for the volumes: one directory per service. */
  readonly volumesDir: string;
  readonly secrets: Readonly<Record<string, string>>;
  /** `postgresql:5432/dash` is this database. */
  readonly databaseUrl: string;
  /** `temporal:7233` is this address. */
  readonly temporalAddress: string;
  /** Each service's own port (7410, 7411) is this one: they are all on one machine here. */
  readonly ports: Readonly<Record<string, number>>;
  /** First in PATH. */
  readonly binDir: string;
}

export interface RunningService {
  readonly name: string;
  /** Everything that it has printed, for messages. */
  output(): string;
  /** Resolves with the exit code; null after a signal. */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then SIGKILL after `graceMs`, as `docker compose stop` does. */
  stop(graceMs: number): Promise<{ code: number | null; isKilled: boolean }>;
}

/** The environment that the service would see, with everything that is elsewhere put on this machine. */
export function serviceEnvironment(
  name: string,
  service: ComposeService,
  ground: ComposeGround,
): Record<string, string> {
  const { environment = {} } = service;
  const given = Object.entries(environment).map(
    ([key, value]) => [key, interpolate(value, ground.secrets)] as const,
  );
  const all = { ...imageEnvironment(), ...Object.fromEntries(given) };
  const dataDir = join(ground.volumesDir, name);
  mkdirSync(dataDir, { recursive: true });
  const mapped = Object.entries(all).map(([key, value]) => [
    key,
    value
      .replace(/^postgres:\/\/.*@postgresql:5432\/dash$/, ground.databaseUrl)
      .replace('temporal:7233', ground.temporalAddress)
      .replace('/var/lib/dash', dataDir)
      .replace('/app/', `${ground.imageDir}/`)
      .replace('0.0.0.0', '127.0.0.1')
      .replace(/^741[01]$/, String(ground.ports[name] ?? 0)),
  ]);
  const path = [ground.binDir, dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
  return { ...Object.fromEntries(mapped), PATH: path, HOME: dataDir } as Record<string, string>;
}

/** Starts the service's command, once. */
export function startService(
  name: string,
  service: ComposeService,
  ground: ComposeGround,
): RunningService {
  const words = [...(service.entrypoint ?? []), ...(service.command ?? [])];
  const [program = '', ...args] = words.map((word) =>
    word.replace('/scripts/', `${PROJECT_DIR}/deploy/temporal/`),
  );
  const child = spawn(program, args, {
    cwd: ground.imageDir,
    env: serviceEnvironment(name, service, ground),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (printed += text));
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  return {
    name,
    output: () => printed,
    exited,
    async stop(graceMs) {
      let isKilled = false;
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        isKilled = true;
        child.kill('SIGKILL');
      }, graceMs);
      const code = await exited;
      clearTimeout(timer);
      return { code, isKilled };
    },
  };
}

/** The healthcheck of the file, as it would run inside the container. */
export function healthcheckOf(
  name: string,
  service: ComposeService,
  ground: ComposeGround,
): { program: string; args: readonly string[] } {
  const [, program = '', ...args] = service.healthcheck?.test ?? [];
  const port = `:${ground.ports[name] ?? 0}/`;
  return { program, args: args.map((word) => word.replace(/:741[01]\//, port)) };
}

/** `stop_grace_period` in milliseconds; ten seconds where there is none. */
export function graceMsOf(service: ComposeService): number {
  const [, amount = '10', unit = 's'] =
    /^(\d+)(s|m)$/.exec(service.stop_grace_period ?? '10s') ?? [];
  return Number(amount) * (unit === 'm' ? 60_000 : 1_000);
}

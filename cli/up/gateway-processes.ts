/** The processes of managed gateways on this machine: started, found again, ended. */
import { join } from 'node:path';
import { z } from 'zod';
import type { ManagedProcesses, ProcessStart } from '../../activities/hold-gateway/ports.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import type { GatewayLog } from '../../src/gateway/gateway-log.ts';
import type { GatewayModel } from '../../src/gateway/managed/gateway-model.ts';
import {
  findGatewayProcess,
  startGatewayProcess,
  type GatewayProcess,
  type StartedGateway,
} from '../../src/gateway/managed/gateway-process.ts';
import { isLiving, type ProcessIdentity } from '../../src/platform/processes.ts';
import type { StartFailure } from '../../src/gateway/managed/start-failure.ts';
import { stopGateway } from '../../src/gateway/managed/stop-gateway.ts';
import { choosePort } from '../../src/local/free-port.ts';
import type { Clock } from '../../src/platform/clock.ts';

export interface GatewayProcessesOptions {
  /** One directory per gateway below it: state, configuration, workspace, logs. */
  readonly dir: string;
  /** Absolute path of a Node that OpenClaw accepts. */
  readonly nodePath: string;
  /** `openclaw.mjs` of the installed package. */
  readonly entryPath: string;
  readonly model: GatewayModel;
  /** `PATH` for the gateways; nothing else of the environment reaches them. */
  readonly path: string;
  readonly tmpDir: string | null;
  /** Variables that mark the processes as started by this launch. */
  readonly marks: Readonly<Record<string, string>>;
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  readonly log: GatewayLog;
  /** For a connection of its own to a gateway that is to end. */
  readonly connect: (gatewayId: string, endpoint: string, token: string) => GatewayConnection;
  /** Tells a person that a port was taken and which one is used instead. */
  readonly say: (line: string) => void;
  /** Called in the tick of the start, before anything can be killed. */
  readonly onSpawned: (gatewayId: string, identity: ProcessIdentity) => void;
  /** Called when the process was seen to have ended. */
  readonly onEnded: (gatewayId: string, identity: ProcessIdentity) => void;
}

interface Running {
  readonly process: GatewayProcess;
  readonly token: string;
  /** Resolves when the start has succeeded, or has ended its process; null: it is over. */
  readonly starting: Promise<unknown> | null;
}

/** What the row keeps of a process, so that it is found again, or at least its port is kept. */
const noteShape = z.object({
  pid: z.int(),
  startTicks: z.int(),
  machineBootId: z.string(),
  port: z.int(),
});

const CONNECT_MS = 2_000;
/** OpenClaw's own limit of concurrent runs is at least this. */
const OPENCLAW_LANES = 8;

/** Each process leads a session of its own, out of reach of the terminal's Ctrl-C. A port that is taken is exchanged. */
export class GatewayProcesses implements ManagedProcesses {
  readonly #options: GatewayProcessesOptions;
  readonly #running = new Map<string, Running>();
  readonly #ending = new AbortController();

  constructor(options: GatewayProcessesOptions) {
    this.#options = options;
  }

  async ensure(gateway: GatewayRecord, token: string, signal: AbortSignal): Promise<ProcessStart> {
    // An earlier hold has given its start up, or succeeds with it.
    await this.#running.get(gateway.id)?.starting;
    const found = await this.#find(gateway);
    if (found !== null) {
      this.#running.set(gateway.id, { process: found, token, starting: null });
      return runningAt(found, false);
    }
    const former = this.#running.get(gateway.id)?.process;
    if (former !== undefined) this.#forget(gateway.id, former);
    const start = { token, signal: AbortSignal.any([signal, this.#ending.signal]) };
    const first = await this.#start(gateway, start, portOf(gateway));
    // Somebody took the port between the look and the start.
    const last =
      first.kind === 'failed' && first.failure.kind === 'port-busy'
        ? await this.#start(gateway, start, undefined)
        : first;
    return last.kind === 'ready' ? runningAt(last.process, true) : notRunning(last.failure);
  }

  async lives(gateway: GatewayRecord): Promise<boolean> {
    const known = this.#running.get(gateway.id)?.process;
    if (known !== undefined) return known.isLiving();
    const note = noteShape.safeParse(gateway.process);
    return note.success && isLiving(note.data);
  }

  async stop(
    gateway: GatewayRecord,
    { connection, boundMs }: { connection: GatewayConnection | null; boundMs: number },
  ): Promise<void> {
    const process = await this.#find(gateway);
    if (process !== null) await this.#end(gateway.id, process, connection, boundMs);
  }

  /**
   * Ends every process (P34), also one that is just starting, and starts no other: suspended over a connection of its
   * own, SIGTERM, SIGKILL after `graceMs`.
   */
  async stopAll({ graceMs }: { graceMs: number }): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#running.keys()].map((id) => this.#stopOne(id, graceMs)));
  }

  async #stopOne(gatewayId: string, graceMs: number): Promise<void> {
    await this.#running.get(gatewayId)?.starting;
    const running = this.#running.get(gatewayId);
    if (running === undefined) return;
    const { process, token } = running;
    if (!process.isLiving()) return this.#forget(gatewayId, process);
    const connection = this.#options.connect(gatewayId, process.endpoint, token);
    await connection.whenOpen({ timeoutMs: CONNECT_MS }).catch(() => undefined);
    await this.#end(gatewayId, process, connection, graceMs);
    await connection.close();
  }

  async #find(gateway: GatewayRecord): Promise<GatewayProcess | null> {
    const known = this.#running.get(gateway.id)?.process;
    if (known !== undefined) return known.isLiving() ? known : null;
    const note = noteShape.safeParse(gateway.process);
    if (!note.success) return null;
    const { port, ...identity } = note.data;
    return findGatewayProcess({ identity, port, detached: true, clock: this.#options.clock });
  }

  async #start(
    gateway: GatewayRecord,
    { token, signal }: { readonly token: string; readonly signal: AbortSignal },
    wantedPort: number | undefined,
  ): Promise<StartedGateway> {
    const { dir, nodePath, entryPath, model, path, tmpDir, marks, clock, say } = this.#options;
    const { configured } = gateway.lanes;
    const { port } = await choosePort({
      what: `gateway ${gateway.id}`,
      say,
      ...(wantedPort === undefined ? {} : { wanted: wantedPort }),
    });
    let spawned: GatewayProcess | null = null;
    const settled = Promise.withResolvers<void>();
    const started = await startGatewayProcess({
      nodePath,
      entryPath,
      config: {
        dir: join(dir, gateway.id),
        port,
        token,
        model,
        maxConcurrent: configured > OPENCLAW_LANES ? configured : null,
        tools: 'minimal',
      },
      environment: { path, tmpDir, marks },
      detached: true,
      startTimeoutMs: this.#options.startTimeoutMs,
      clock,
      signal,
      onSpawned: (process) => {
        this.#options.onSpawned(gateway.id, process.identity);
        spawned = process;
        this.#running.set(gateway.id, { process, token, starting: settled.promise });
      },
    }).finally(settled.resolve);
    if (started.kind === 'ready')
      this.#running.set(gateway.id, { process: started.process, token, starting: null });
    else if (spawned !== null) this.#forget(gateway.id, spawned);
    return started;
  }

  async #end(
    gatewayId: string,
    process: GatewayProcess,
    connection: GatewayConnection | null,
    graceMs: number,
  ): Promise<void> {
    const { log } = this.#options;
    const orderly = await stopGateway({
      process,
      connection,
      requestId: `dash-stop-${process.identity.pid}-${process.identity.startTicks}`,
      target: null,
      // The process is this machine's own, whatever became of the ownership of the gateway's work.
      permit: () => undefined,
      graceMs,
      log,
    });
    log.info({ gatewayId, orderly }, 'the gateway process has ended');
    this.#forget(gatewayId, process);
  }

  /** Only this process: its end may be noticed when the next one runs. One that survives SIGKILL is kept. */
  #forget(gatewayId: string, { identity }: GatewayProcess): void {
    if (isLiving(identity)) return;
    const known = this.#running.get(gatewayId)?.process.identity;
    if (known?.pid === identity.pid && known.startTicks === identity.startTicks) {
      this.#running.delete(gatewayId);
    }
    this.#options.onEnded(gatewayId, identity);
  }
}

function runningAt(process: GatewayProcess, started: boolean): ProcessStart {
  const { endpoint, identity } = process;
  const port = Number(new URL(endpoint).port);
  return { kind: 'running', endpoint, started, process: { ...identity, port } };
}

function notRunning(failure: StartFailure): ProcessStart {
  switch (failure.kind) {
    case 'configuration':
    case 'contention':
      return { kind: failure.kind, words: failure.words };
    case 'exited':
      return {
        kind: 'not-ready',
        words: `it ended (${failure.signal ?? `exit code ${failure.code}`}): ${failure.words}`,
      };
    case 'timeout':
      return { kind: 'not-ready', words: `it was not ready in time: ${failure.words}` };
    case 'interrupted':
      return { kind: 'not-ready', words: failure.words };
    case 'port-busy':
      return { kind: 'not-ready', words: `its port is taken: ${failure.words}` };
    case 'not-startable':
      return { kind: 'not-ready', words: `it cannot be started: ${failure.words}` };
  }
}

/** That of its last process, else that of its endpoint; undefined: none yet. */
function portOf(gateway: GatewayRecord): number | undefined {
  const note = noteShape.safeParse(gateway.process);
  const port = note.success ? note.data.port : Number(new URL(gateway.endpoint).port);
  return port === 0 ? undefined : port;
}

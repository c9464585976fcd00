import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  startGatewayProcess,
  type GatewayProcess,
  type StartGatewayOptions,
} from '../../src/gateway/managed/gateway-process.ts';
import { gatewayPaths } from '../../src/gateway/managed/gateway-config.ts';
import { startStubModel, type StubModel } from '../../src/gateway/stub-model.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { ensureOpenClaw } from '../../src/local/openclaw-package.ts';
import { silentProgress } from '../../src/local/progress.ts';
import { systemClock, type Clock } from '../../src/platform/clock.ts';
import { testLaunchMark } from './launch-mark.ts';

export interface RealGateway {
  readonly endpoint: string;
  readonly token: string;
  readonly dir: string;
  readonly model: StubModel;
  /** The living process, or the last one. */
  process(): GatewayProcess;
  crash(): Promise<void>;
  start(): Promise<void>;
  wipeState(): void;
  close(): Promise<void>;
}

const root = join(import.meta.dirname, '..', '..');

/** The installed OpenClaw: `DASH_TEST_OPENCLAW_ENTRY`, or the locked tree of tools/openclaw, brought when absent. */
export async function openClawEntry(): Promise<string> {
  const given = process.env['DASH_TEST_OPENCLAW_ENTRY'];
  if (given !== undefined && given !== '') return given;
  const toolDir = join(root, 'tools', 'openclaw');
  const { entryPath } = await ensureOpenClaw({
    toolDir,
    env: process.env,
    progress: silentProgress(),
  });
  return entryPath;
}

/** What a real gateway of a test gets of the machine: it leaves nothing outside of the run's directory, nor itself. */
export function testGatewayEnvironment(): StartGatewayOptions['environment'] {
  return { path: process.env['PATH'] ?? '', tmpDir: tmpdir(), marks: testLaunchMark() };
}

/** Starts one real gateway behind a stub model, in a directory of its own. It takes about ten seconds of CPU. */
export async function startRealGateway(
  options: {
    readonly maxConcurrent?: number;
    /** What the model sleeps by; the machine's clock when absent. */
    readonly modelClock?: Clock;
  } = {},
): Promise<RealGateway> {
  const entryPath = await openClawEntry();
  const clock = systemClock();
  const dir = mkdtempSync(join(tmpdir(), 'dash-real-gateway-'));
  const model = await startStubModel({ clock: options.modelClock ?? clock });
  const { port } = await choosePort({ what: 'the gateway', say: () => undefined });
  const token = crypto.randomUUID();
  let running: GatewayProcess | null = null;

  const start = async (): Promise<void> => {
    const started = await startGatewayProcess({
      nodePath: process.execPath,
      entryPath,
      config: {
        dir,
        port,
        token,
        model: { kind: 'stub', baseUrl: model.baseUrl },
        maxConcurrent: options.maxConcurrent ?? null,
        tools: 'minimal',
      },
      environment: testGatewayEnvironment(),
      detached: true,
      startTimeoutMs: 120_000,
      clock,
    });
    if (started.kind === 'failed')
      throw new Error(`no real gateway: ${JSON.stringify(started.failure)}`);
    running = started.process;
  };
  const current = (): GatewayProcess => {
    if (running === null) throw new Error('the real gateway was not started');
    return running;
  };
  await start();
  return {
    endpoint: `ws://127.0.0.1:${port}`,
    token,
    dir,
    model,
    process: current,
    crash: () => current().kill(),
    start,
    wipeState: () => rmSync(gatewayPaths(dir).stateDir, { recursive: true, force: true }),
    close: async () => {
      await current().kill();
      await model.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

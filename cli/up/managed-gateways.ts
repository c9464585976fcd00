/**
 * The OpenClaw processes of `dashctl up`: installed when absent, answered by the model that was
 * configured or by the built-in stub, recorded for the guard, and ended with everything else (P34).
 */
import { join } from 'node:path';
import type { ManagedProcesses } from '../../activities/hold-gateway/ports.ts';
import { projectDir } from '../../src/config/project-dir.ts';
import { connectGateway } from '../../src/gateway/openclaw-connection.ts';
import type { GatewayModel } from '../../src/gateway/managed/gateway-model.ts';
import type { ProcessIdentity } from '../../src/platform/processes.ts';
import { startStubModel } from '../../src/gateway/stub-model.ts';
import { ensureOpenClaw, type OpenClawPackage } from '../../src/local/openclaw-package.ts';
import { removeRecord, writeRecord, type ProcessRecord } from '../../src/local/process-record.ts';
import { LAUNCH_MARK } from '../../src/platform/processes.ts';
import { GatewayProcesses } from './gateway-processes.ts';
import type { UpContext } from './up-context.ts';

const START_TIMEOUT_MS = 4 * 60_000;
/** SIGKILL after this (P34). */
const END_GRACE_MS = 10_000;
/** With the suspension before it and the death after it. */
const END_WITHIN_MS = 20_000;

/** Installs OpenClaw when it is absent; throws a LocalError when it cannot. */
export function installOpenClaw(up: UpContext): Promise<OpenClawPackage> {
  return ensureOpenClaw({
    toolDir: join(projectDir(), 'tools', 'openclaw'),
    env: up.env,
    progress: up.progress,
    abort: up.ending,
  });
}

/** Prepares what the gateway host starts gateways with. */
export async function startManagedGateways(
  up: UpContext,
  { entryPath }: OpenClawPackage,
): Promise<ManagedProcesses> {
  const { config, clock, env, dataDir } = up;
  const log = up.log.child({ part: 'managed gateways' });
  const recordOf = (gatewayId: string, identity: ProcessIdentity): ProcessRecord => ({
    what: `OpenClaw gateway ${gatewayId}`,
    command: entryPath,
    stopSignal: 'SIGTERM',
    launchId: dataDir.home.launchId,
    ...identity,
  });
  const gateways = new GatewayProcesses({
    dir: join(config.dataDir, 'gateways'),
    nodePath: process.execPath,
    entryPath,
    model: await modelOf(up),
    path: env['PATH'] ?? '',
    tmpDir: env['TMPDIR'] ?? null,
    marks: { [LAUNCH_MARK]: dataDir.home.launchId },
    startTimeoutMs: START_TIMEOUT_MS,
    clock,
    log,
    say: up.progress.line,
    connect: (gatewayId, endpoint, token) =>
      connectGateway({
        endpoint,
        token,
        installation: dataDir.id,
        displayName: 'dash up, ending',
        clock,
        log: log.child({ gatewayId }),
      }),
    onSpawned: (id, identity) => writeRecord(dataDir.home.recordsDir, recordOf(id, identity)),
    onEnded: (id, identity) => removeRecord(dataDir.home.recordsDir, recordOf(id, identity)),
  });
  up.onEnd('the gateway processes', () => gateways.stopAll({ graceMs: END_GRACE_MS }), {
    withinMs: END_WITHIN_MS,
  });
  return gateways;
}

/** The configured model, or the stub, which lives in this process. */
async function modelOf(up: UpContext): Promise<GatewayModel> {
  const { model } = up.config;
  if (model.kind !== 'stub') return model;
  const stub = await startStubModel({ clock: up.clock });
  up.onEnd('the stub model', () => stub.close());
  return { kind: 'stub', baseUrl: stub.baseUrl };
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  startGatewayProcess,
  type StartGatewayOptions,
} from '../../src/gateway/managed/gateway-process.ts';
import { asList, asRecord, asText } from '../../src/gateway/json-value.ts';
import { startStubModel } from '../../src/gateway/stub-model.ts';
import { readRow } from '../../src/gateway/transcript.ts';
import { ensureOpenClaw } from '../../src/local/openclaw-package.ts';
import { silentProgress } from '../../src/local/progress.ts';
import { LAUNCH_MARK } from '../../src/platform/processes.ts';
import { RawGatewayClient } from '../../tests/support/raw-gateway-client.ts';
import { startTcpProxy } from '../../tests/support/tcp-proxy.ts';
import type { Ground } from './ground.ts';
import { Part, type Running } from './part.ts';
import { answersWell, type GatewayPart } from './programs.ts';
import { seenOfReal, type RealSession } from './real-log.ts';

const START_TIMEOUT_MS = 180_000;
const STOP_GRACE_MS = 5_000;
const PAGE = 1_000;

/**
 * A real OpenClaw gateway behind a model that answers what the prompt asks for. The witness of what it did are its own
 * transcripts and the calls of its model.
 */
export async function realGatewayPart(
  ground: Ground,
  options: {
    readonly gatewayId: string;
    readonly lanes: number;
    readonly onCrash: (what: string) => void;
  },
): Promise<GatewayPart> {
  const { gatewayId, lanes, onCrash } = options;
  const { clock, env, root } = ground;
  const { entryPath } = await ensureOpenClaw({
    ...{ toolDir: join(root, 'tools', 'openclaw'), env, progress: silentProgress() },
  });
  const dir = join(ground.dir, gatewayId);
  mkdirSync(dir, { recursive: true });
  const port = await ground.takePort();
  const way = await startTcpProxy({ host: '127.0.0.1', port });
  const model = await startStubModel({ clock });
  const token = `token-of-${gatewayId}`;
  const config = {
    ...{ dir, port, token, maxConcurrent: lanes, tools: 'minimal' as const },
    model: { kind: 'stub' as const, baseUrl: model.baseUrl },
  };
  const launch = (): Promise<Running> => startReal(ground, gatewayId, { entryPath, config });
  const part = new Part({
    ...{ kind: 'gateway', name: gatewayId, launch, onCrash },
    isReady: () => answersWell(`http://127.0.0.1:${port}/readyz`),
    way,
    onClose: () => model.close(),
  });
  let sessions: readonly RealSession[] = [];
  return {
    ...{ part, gatewayId, endpoint: `ws://127.0.0.1:${way.port}`, token, lanes },
    witness: {
      ...{ gatewayId, lanes },
      look: () => seenOfReal(sessions, model.requests()),
      endedCount: () => model.requests().filter(({ outcome }) => outcome === 'answered').length,
      async refresh() {
        sessions = await readSessions(`ws://127.0.0.1:${port}`, token);
      },
    },
  };
}

async function startReal(
  { clock, env, dir, home }: Ground,
  gatewayId: string,
  program: Pick<StartGatewayOptions, 'entryPath' | 'config'>,
): Promise<Running> {
  const started = await startGatewayProcess({
    ...{ ...program, nodePath: process.execPath, detached: true, clock },
    environment: {
      ...{ path: env['PATH'] ?? '', tmpDir: dir },
      marks: { [LAUNCH_MARK]: home.launchId },
    },
    startTimeoutMs: START_TIMEOUT_MS,
  });
  if (started.kind === 'failed') {
    throw new Error(`${gatewayId} did not start: ${JSON.stringify(started.failure)}`);
  }
  const { identity, exited, kill, end } = started.process;
  return {
    pid: identity.pid,
    exited: exited().then(() => ({ code: null, signal: null })),
    kill,
    stop: async () => void (await end({ graceMs: STOP_GRACE_MS })),
  };
}

async function readSessions(endpoint: string, token: string): Promise<RealSession[]> {
  const client = await RawGatewayClient.connect(endpoint, token);
  try {
    const list = await client.call('sessions.list', { limit: PAGE });
    const keys = asList(list.payload?.['sessions']).flatMap(
      (session) => asText(asRecord(session)['key']) ?? [],
    );
    const sessions: RealSession[] = [];
    for (const sessionKey of keys) {
      const { payload } = await client.call('chat.history', { sessionKey, limit: PAGE });
      sessions.push({ sessionKey, rows: asList(payload?.['messages']).map(readRow) });
    }
    return sessions;
  } finally {
    await client.close();
  }
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../src/db/migrate.ts';
import { buildWorkflowBundle } from '../build-workflow-bundle.ts';
import type { ChaosOptions } from './options.ts';
import type { Ground } from './ground.ts';
import type { Part } from './part.ts';
import {
  apiPart,
  gatewayPart,
  workerPart,
  type ApiPart,
  type DashSurroundings,
  type GatewayPart,
} from './programs.ts';
import { paceFor } from './pace.ts';
import { createRandom } from './random.ts';
import { realGatewayPart } from './real-gateway.ts';
import { postgresPart, temporalPart } from './servers.ts';

/** A whole installation: each part a process of its own. */
export interface Fleet {
  readonly parts: readonly Part[];
  readonly api: ApiPart;
  readonly gateways: readonly GatewayPart[];
  close(): Promise<void>;
}

type FleetOptions = Pick<
  ChaosOptions,
  'gateways' | 'real' | 'hosts' | 'controls' | 'withoutRecovery' | 'seed'
>;

const LANES = 4;
/** OpenClaw resumes interrupted turns 1 to 20 s after it is ready; Dash must not lose its patience meanwhile. */
const RECOVERY_DELAY_MS = { min: 500, max: 12_000 } as const;
const START_TIMEOUT_MS = 90_000;
const PROBE_EVERY_MS = 100;

/** Starts everything and answers when all of it is ready. On a failure nothing is left running. */
export async function startFleet(
  ground: Ground,
  options: FleetOptions,
  tell: {
    readonly say: (line: string) => void;
    readonly onCrash: (what: string) => void;
    readonly abort: AbortSignal;
  },
): Promise<Fleet> {
  const parts: Part[] = [];
  const close = async (): Promise<void> => {
    // Clients first: a server that ends before them would only make them complain.
    for (const kinds of [
      ['host', 'control', 'api', 'gateway'],
      ['temporal', 'postgres'],
    ]) {
      await Promise.all(
        parts.filter(({ kind }) => kinds.includes(kind)).map((part) => part.close()),
      );
    }
  };
  try {
    tell.say('starting PostgreSQL, Temporal and the gateways');
    const gateways = await startGateways(ground, options, parts, tell.onCrash);
    const servers = await startServers(ground, parts, tell.onCrash);
    const dash = { ...servers, pace: paceFor(options.gateways) };
    tell.abort.throwIfAborted();
    tell.say('starting api, control workers and gateway hosts');
    const api = await apiPart(ground, dash, tell.onCrash);
    parts.push(api.part);
    for (const [kind, count] of [
      ['control', options.controls],
      ['host', options.hosts],
    ] as const) {
      for (let number = 1; number <= count; number += 1) {
        const name = `${kind}-${number}`;
        parts.push(await workerPart(ground, dash, { kind, name, onCrash: tell.onCrash }));
      }
    }
    await Promise.all(parts.map((part) => part.start()));
    await untilReady(parts, ground, tell.abort);
    return { parts, api, gateways, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Waits until every part does its work; throws with the names of those that do not. */
export async function untilReady(
  parts: readonly Part[],
  { clock, dir }: Ground,
  abort: AbortSignal,
): Promise<void> {
  const deadline = clock.monotonic() + START_TIMEOUT_MS;
  for (let waiting = parts; ;) {
    const ready = await Promise.all(waiting.map((part) => part.isReady()));
    waiting = waiting.filter((_part, index) => ready[index] !== true);
    if (waiting.length === 0) return;
    if (clock.monotonic() > deadline) {
      const names = waiting.map(({ name }) => name).join(', ');
      throw new Error(`not ready after ${START_TIMEOUT_MS / 1_000} s: ${names}; see ${dir}/logs`);
    }
    await clock.sleep(PROBE_EVERY_MS, abort);
    abort.throwIfAborted();
  }
}

async function startGateways(
  ground: Ground,
  { gateways: count, real, withoutRecovery, seed }: FleetOptions,
  parts: Part[],
  onCrash: (what: string) => void,
): Promise<GatewayPart[]> {
  const random = createRandom(seed, 'recovery');
  const { min, max } = RECOVERY_DELAY_MS;
  const gateways: GatewayPart[] = [];
  for (let number = 1; number <= real; number += 1) {
    gateways.push(
      await realGatewayPart(ground, { gatewayId: `real-${number}`, lanes: LANES, onCrash }),
    );
  }
  for (let number = 1; number <= count - real; number += 1) {
    gateways.push(
      await gatewayPart(ground, {
        gatewayId: `gateway-${number}`,
        lanes: LANES,
        recoveryDelayMs: number > withoutRecovery ? random.int(min, max) : null,
        onCrash,
      }),
    );
  }
  parts.push(...gateways.map(({ part }) => part));
  await Promise.all(gateways.map(({ part }) => part.start()));
  return gateways;
}

async function startServers(
  ground: Ground,
  parts: Part[],
  onCrash: (what: string) => void,
): Promise<Omit<DashSurroundings, 'pace'>> {
  const postgres = await postgresPart(ground, onCrash);
  const temporal = await temporalPart(ground, onCrash);
  parts.push(postgres.part, temporal.part);
  const bundling = bundle(ground);
  const starting = [postgres.part.start(), temporal.part.start(), bundling] as const;
  // When one fails, the others are waited for, so that they can be ended.
  await Promise.allSettled(starting);
  await Promise.all(starting);
  const databaseUrl = postgres.address();
  await migrate({ url: databaseUrl, log: { info: () => undefined, warn: () => undefined } });
  return { databaseUrl, temporalAddress: temporal.address(), workflowBundle: await bundling };
}

/** Bundled once, so that a control worker that was killed is back at once; a given bundle is used as it is. */
async function bundle({ dir, env }: Ground): Promise<string> {
  const given = env['DASH_WORKFLOW_BUNDLE'];
  if (given !== undefined && given !== '') return given;
  const path = join(dir, 'workflow-bundle.js');
  mkdirSync(dir, { recursive: true });
  await buildWorkflowBundle(path);
  return path;
}

import type { LookSeen, OwnRun } from '../../src/domain/look.ts';
import type { GatewayConnection } from '../../src/gateway/connection.ts';
import { eventually } from '../support/eventually.ts';
import { sessionOf } from '../support/gateway-client.ts';

/** A gateway of either kind, as the contract needs it. Prompts carry directives (`src/gateway/stub-prompt.ts`). */
export interface GatewayUnderTest {
  readonly endpoint: string;
  readonly token: string;
  /** How often the model was asked with these words in the prompt. */
  modelCalls(marker: string): number;
  /** SIGKILL, or as if. */
  crash(): Promise<void>;
  /** Starts it again; resolves when it takes work. */
  start(): Promise<void>;
  /** A graceful restart in the same process, as by SIGUSR2. */
  restartInProcess(): Promise<void>;
  /** Puts an empty state directory in place of the old one; only while it is down. */
  wipeState(): Promise<void>;
  close(): Promise<void>;
}

/** How long the slowest thing may take: a start, or a recovery after it. */
export const SLOW = { timeoutMs: 90_000, everyMs: 100 };

export type Context = () => {
  readonly gateway: GatewayUnderTest;
  readonly connection: GatewayConnection;
};

export async function look(
  connection: GatewayConnection,
  taskId: string,
  ...runIds: string[]
): Promise<LookSeen> {
  const seen = await connection.look({
    sessionKey: sessionOf(taskId),
    runIds: runIds.length === 0 ? [`${taskId}-a1`] : runIds,
  });
  if (seen.kind !== 'seen') throw new Error(`the gateway refuses looks: ${seen.reason}`);
  return seen;
}

export async function ownRun(connection: GatewayConnection, taskId: string): Promise<OwnRun> {
  return (await look(connection, taskId)).own[0]!;
}

export async function follow(connection: GatewayConnection, taskId: string): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  const followed = await connection.followRun({
    sessionKey: sessionOf(taskId),
    runId: `${taskId}-a1`,
    signal,
    sliceMs: 1000,
  });
  return followed.kind;
}

/** Waits until the turn of a task has begun at the model. */
export async function begun(connection: GatewayConnection, taskId: string): Promise<void> {
  await eventually(async () => (await ownRun(connection, taskId)).userRow, { timeoutMs: 20_000 });
}

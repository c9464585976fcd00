import { beginSending, markAccepted, closeAttempt } from '../../src/db/attempt-run.ts';
import { readAttempt } from '../../src/db/attempt-record.ts';
import { claimTasks, type Claim } from '../../src/db/claim.ts';
import type { Database } from '../../src/db/database.ts';
import { allocateOwnerEpoch, takeOwnership } from '../../src/db/gateway-ownership.ts';
import { registerGateway, writeGatewayState } from '../../src/db/gateway-store.ts';
import { settleTask } from '../../src/db/settle.ts';

/** A gateway that is only rows: open, owned by `hostId`, with free lanes. */
export interface RowGateway {
  readonly gatewayId: string;
  readonly hostId: string;
  readonly ownerEpoch: number;
}

export async function openRowGateway(
  db: Database,
  options: { readonly gatewayId: string; readonly lanes?: number },
): Promise<RowGateway> {
  const { gatewayId, lanes = 100 } = options;
  const hostId = `host-${gatewayId}`;
  await registerGateway(db, {
    id: gatewayId,
    kind: 'adopted',
    endpoint: 'ws://127.0.0.1:1',
    configuredLanes: lanes,
    actor: 'test',
  });
  const allocated = await allocateOwnerEpoch(db, { gatewayId });
  if (allocated.kind !== 'allocated') throw new Error(`no epoch: ${allocated.kind}`);
  const { ownerEpoch } = allocated;
  await takeOwnership(db, { gatewayId, hostId, ownerEpoch });
  await writeGatewayState(db, {
    gatewayId,
    ownerEpoch,
    state: 'open',
    reason: null,
    hint: null,
    failure: null,
  });
  return { gatewayId, hostId, ownerEpoch };
}

export async function claimFrom(
  db: Database,
  gateway: RowGateway,
  max = 100,
): Promise<readonly Claim[]> {
  const { gatewayId, hostId, ownerEpoch } = gateway;
  const offered = { gatewayId, ownerEpoch, lanes: max, score: 1, reasons: [] };
  return (await claimTasks(db, { hostId, gateways: [offered], max })).claims;
}

/** Takes a claim as far as a run that the gateway has accepted. */
export async function runInRows(db: Database, gateway: RowGateway, claim: Claim): Promise<string> {
  const { attemptId } = claim;
  const { ownerEpoch } = gateway;
  const place = { bootId: 'boot', stateId: 'state' };
  const sending = await beginSending(db, {
    attemptId,
    ownerEpoch,
    runId: `${claim.taskId}-a${claim.attemptNumber}`,
    ...place,
  });
  if (sending.kind !== 'ok') return sending.reason;
  await markAccepted(db, { attemptId, ownerEpoch, ...place });
  return 'accepted';
}

/** What becomes of a prompt: an answer, a failure, or nothing while it is held back. */
export type Verdict =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'fail'; readonly message: string }
  | { readonly kind: 'hold' };

export interface RowExecutor {
  /** Prompts in the order in which they were taken up. */
  readonly taken: { readonly nodeId: string; readonly prompt: string }[];
  /** Most tasks that were under way at the same time. */
  mostOpen(): number;
  close(): Promise<void>;
}

/**
 * The least that can carry tasks to their end: claims, runs in rows, settles. Ends a task whose cancel was asked
 * for. `onSettled` is told which swarm has news, as a host would tell its workflow.
 */
export function startRowExecutor(options: {
  readonly db: Database;
  readonly gateway: RowGateway;
  readonly decide: (prompt: string, nodeId: string) => Verdict;
  readonly onSwarmNews: (swarmId: string) => Promise<void>;
}): RowExecutor {
  const { db, gateway } = options;
  const underWay = new Map<string, { claim: Claim; prompt: string; nodeId: string }>();
  const taken: { nodeId: string; prompt: string }[] = [];
  let most = 0;
  let closed = false;

  async function takeUp(): Promise<void> {
    for (const claim of await claimFrom(db, gateway)) {
      await runInRows(db, gateway, claim);
      const rows = await db.rows<{ prompt: string; node_id: string | null }>(
        'select prompt, node_id from dash.tasks where id = $1',
        [claim.taskId],
      );
      const task = { claim, prompt: rows[0]?.prompt ?? '', nodeId: rows[0]?.node_id ?? '' };
      underWay.set(claim.taskId, task);
      taken.push({ nodeId: task.nodeId, prompt: task.prompt });
      most = Math.max(most, underWay.size);
    }
  }

  async function finish(taskId: string): Promise<void> {
    const task = underWay.get(taskId);
    if (task === undefined) return;
    const { attemptId } = task.claim;
    const attempt = await readAttempt(db, attemptId);
    const cancelled = (attempt?.task.cancelRequested ?? null) !== null;
    const verdict = options.decide(task.prompt, task.nodeId);
    if (!cancelled && verdict.kind === 'hold') return;
    underWay.delete(taskId);
    const settled = await settle(db, gateway, task.claim, cancelled ? null : verdict);
    if (settled.swarmBecameDirty && settled.swarmId !== null) {
      await options.onSwarmNews(settled.swarmId);
    }
  }

  async function loop(): Promise<void> {
    while (!closed) {
      await takeUp();
      for (const taskId of underWay.keys()) await finish(taskId);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const running = loop();
  // Seen by whoever closes; until then the rows show that nothing moves.
  running.catch((error: unknown) => console.error('the row executor stopped', error));
  return {
    taken,
    mostOpen: () => most,
    async close() {
      closed = true;
      await running;
    },
  };
}

async function settle(
  db: Database,
  gateway: RowGateway,
  claim: Claim,
  verdict: Exclude<Verdict, { kind: 'hold' }> | Verdict | null,
): Promise<{ swarmId: string | null; swarmBecameDirty: boolean }> {
  const base = {
    taskId: claim.taskId,
    attemptId: claim.attemptId,
    ownerEpoch: gateway.ownerEpoch,
  };
  if (verdict === null) {
    return settleTask(db, {
      ...base,
      attemptOutcome: 'cancelled',
      end: { state: 'cancelled', output: null, usage: null, failure: null },
    });
  }
  if (verdict.kind === 'answer') {
    return settleTask(db, {
      ...base,
      attemptOutcome: 'succeeded',
      end: { state: 'completed', output: verdict.text, usage: null, failure: null },
    });
  }
  const message = verdict.kind === 'fail' ? verdict.message : '';
  await closeAttempt(db, {
    attemptId: claim.attemptId,
    ownerEpoch: gateway.ownerEpoch,
    outcome: 'failed',
  });
  return settleTask(db, {
    taskId: claim.taskId,
    attemptId: claim.attemptId,
    end: {
      state: 'dead',
      output: null,
      usage: null,
      failure: { reason: 'permanent', message, lastFailure: null },
    },
  });
}

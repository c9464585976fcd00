import { Context } from '@temporalio/activity';
import { openAttempts } from '../../src/db/attempt-record.ts';
import type { Database } from '../../src/db/database.ts';
import type { GatewayReportActivities } from '../../src/domain/ledger.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { GatewayHold } from './gateway-hold.ts';
import type { Holds } from './hold-gateway.ts';

interface OfGateway {
  readonly gatewayId: string;
}

/** Short operations on a held gateway, polled from `gateway.<id>.control` by whoever holds it. Each may be repeated. */
export interface GatewayOperationActivities extends GatewayReportActivities {
  /** Waits until no attempt of Dash holds a lane there, at most `boundMs`; answers how many still do. */
  awaitIdle(input: OfGateway & { readonly boundMs: number }): Promise<{ readonly running: number }>;
  /** Does what gets the gateway to its desired state now: forgets back-off, looks at the budget, starts, connects. */
  bringUp(input: OfGateway): Promise<void>;
  /** Ends a managed process, whatever still runs there: that is interrupted into recovery. */
  stopProcess(input: OfGateway): Promise<void>;
  /** Restarts the process and waits until the gateway takes calls again. */
  restartProcess(input: OfGateway): Promise<void>;
}

export interface GatewayOperationDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly holds: Pick<Holds, 'find'>;
}

const POLL_MS = 500;
const BEAT_MS = 3_000;
/** An adopted gateway restarts by itself: forced after five minutes at the latest, by its own rule. */
const RESTART_BOUND_MS = 4 * 60_000;

export function createGatewayOperations(deps: GatewayOperationDeps): GatewayOperationActivities {
  return {
    async awaitIdle({ gatewayId, boundMs }) {
      await until(deps, boundMs, async () => (await running(deps, gatewayId)) === 0);
      const left = await running(deps, gatewayId);
      deps.holds.find(gatewayId)?.nudge();
      return { running: left };
    },

    async bringUp({ gatewayId }) {
      const hold = heldHere(deps, gatewayId);
      await beating(deps, () => hold.tender.recover());
      hold.nudge();
    },

    async stopProcess({ gatewayId }) {
      const hold = heldHere(deps, gatewayId);
      await beating(deps, () => hold.tender.stopProcess());
      hold.nudge();
    },

    restartProcess: ({ gatewayId }) => restartProcess(deps, gatewayId),

    async reportExecuting({ gatewayId }) {
      const connection = heldHere(deps, gatewayId).tender.openConnection();
      if (connection === null) throw new Error(`${gatewayId} cannot be reached now`);
      return connection.listExecuting();
    },
  };
}

/** Throws, to be tried again by the next owner, when this host has let go of the gateway. */
function heldHere(deps: GatewayOperationDeps, gatewayId: string): GatewayHold {
  const hold = deps.holds.find(gatewayId);
  if (hold === null) throw new Error(`this host does not hold ${gatewayId} any more`);
  return hold;
}

async function running({ db }: GatewayOperationDeps, gatewayId: string): Promise<number> {
  const attempts = await openAttempts(db, gatewayId);
  return attempts.filter((attempt) => attempt.holdsLane).length;
}

/** Polls with a sign of life; false at the bound. A cancel of the activity ends the wait by throwing. */
async function until(
  { clock }: GatewayOperationDeps,
  boundMs: number,
  reached: () => Promise<boolean>,
  details?: object,
): Promise<boolean> {
  const deadline = clock.monotonic() + boundMs;
  const context = Context.current();
  while (!(await reached())) {
    if (clock.monotonic() >= deadline) return false;
    context.heartbeat(details);
    await Promise.race([clock.sleep(POLL_MS), context.cancelled]);
  }
  return true;
}

/**
 * Works with a sign of life: a gateway may take 15 s for each answer and ten to end, and a second attempt beside the
 * first would end what the first has just started.
 */
async function beating(
  { clock }: GatewayOperationDeps,
  work: () => Promise<void>,
  details?: object,
): Promise<void> {
  const context = Context.current();
  const done = new AbortController();
  const beats = (async () => {
    while (!done.signal.aborted) {
      context.heartbeat(details);
      await clock.sleep(BEAT_MS, done.signal);
    }
  })();
  await work().finally(() => done.abort());
  await beats;
}

async function restartProcess(deps: GatewayOperationDeps, gatewayId: string): Promise<void> {
  const context = Context.current();
  const bootNow = (): string | null =>
    heldHere(deps, gatewayId).tender.openConnection()?.hello()?.bootId ?? null;
  // A repeated activity must not restart what its predecessor has restarted.
  const details = context.info.heartbeatDetails as { before: string | null } | undefined;
  const before = details === undefined ? bootNow() : details.before;
  context.heartbeat({ before });
  if (bootNow() === before) {
    await beating(deps, () => restart(heldHere(deps, gatewayId)), { before });
  }
  const isBack = await until(
    deps,
    RESTART_BOUND_MS,
    async () => heldHere(deps, gatewayId).tender.isReady && bootNow() !== before,
    { before },
  );
  if (!isBack) throw new Error(`${gatewayId} did not come back after its restart`);
}

async function restart(hold: GatewayHold): Promise<void> {
  if (hold.tender.row?.kind === 'managed') await hold.tender.stopProcess();
  else await hold.tender.requestRestart('asked for through Dash');
  hold.nudge();
}

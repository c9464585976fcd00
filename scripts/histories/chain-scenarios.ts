import { Context } from '@temporalio/activity';
import type { ChainControlActivities } from '../../activities/dashboard-chain/chain-control.ts';
import type { ChainOperationActivities } from '../../activities/dashboard-chain/chain-operations.ts';
import type { GatewayOperationActivities } from '../../activities/hold-gateway/gateway-operations.ts';
import type { ChainVerdict, LinkVerdict } from '../../src/domain/dashboard-chain/link.ts';
import { newWatch } from '../../src/domain/dashboard-chain/watch.ts';
import type { ChainWatch, VerifyResult, WatchEnd } from '../../src/domain/messages.ts';
import { chainWorkflowId, CONTROL_QUEUE, gatewayControlQueue } from '../../src/domain/names.ts';
import { createGate, inOrder, type Gate, type Scenario } from './scenario.ts';

type Operations = ChainOperationActivities & Pick<GatewayOperationActivities, 'restartProcess'>;

const OK: LinkVerdict = { state: 'ok' };
const WELL: ChainVerdict = { gateway: OK, forward: OK, cors: OK, external: OK };
const REFUSED: ChainVerdict = {
  ...WELL,
  cors: { state: 'broken', reason: 'cors-origin-refused', evidence: {} },
};
const HUNG: ChainVerdict = {
  ...WELL,
  gateway: { state: 'broken', reason: 'gateway-hung', evidence: {} },
};
const watch: ChainWatch = { revision: 1, memory: newWatch(), cutAfterMs: null };

const changed = (verdict: ChainVerdict): WatchEnd => ({ kind: 'changed', watch, verdict });
const seen = (verdict: ChainVerdict): VerifyResult => ({ kind: 'seen', atMs: 1, verdict });

const control: ChainControlActivities = {
  markUnwatched: async () => false,
  healGround: async () => ({
    gateway: { isManaged: true, hint: null },
    startsMs: [],
    planned: null,
    heal: 'auto',
    settleMs: 100,
  }),
  recordPlan: async () => undefined,
  recordAction: async () => undefined,
  countRestart: async () => undefined,
  askRestart: async () => undefined,
};

function scenario(
  path: string,
  operations: Partial<Operations>,
  drive?: Scenario['drive'],
): Scenario {
  return {
    name: `chain-${path}`,
    workflow: 'dashboardChainWorkflow',
    workflowId: chainWorkflowId(path),
    args: [{ gatewayId: path }],
    workers: { [CONTROL_QUEUE]: control, [gatewayControlQueue(path)]: operations },
    ...(drive === undefined ? {} : { drive }),
  };
}

/** Answers the ends one after the other, each when its gate opens. */
function watches(
  ...ends: readonly (readonly [Gate | null, WatchEnd])[]
): ChainOperationActivities['watchChain'] {
  let next = 0;
  return async () => {
    const [gate, end] = ends[next] ?? [null, { kind: 'removed' } as const];
    next += 1;
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), 200);
    await gate?.opened;
    clearInterval(beat);
    return end;
  };
}

/** Origins are refused and let in; then the gateway hangs and is restarted; a person verifies and heals. */
function healed(): Scenario {
  const [first, second, third] = [createGate(), createGate(), createGate()];
  const looks = inOrder(
    ...[REFUSED, WELL, WELL, WELL].map(seen),
    ...[HUNG, HUNG, WELL, WELL, WELL].map(seen),
  );
  const restarted = createGate();
  return scenario(
    'healed',
    {
      watchChain: watches(
        [null, changed(REFUSED)],
        [first, changed(WELL)],
        [null, changed(HUNG)],
        [second, changed(WELL)],
        [third, { kind: 'removed' }],
      ),
      verifyChain: looks as ChainOperationActivities['verifyChain'],
      patchOrigins: async () => first.open(),
      restartProcess: async () => restarted.open(),
    },
    async (handle) => {
      await restarted.opened;
      second.open();
      await handle.executeUpdate('verify');
      await handle.executeUpdate('heal', { args: [{ actor: 'ann', dryRun: false }] });
      await handle.executeUpdate('heal', { args: [{ actor: 'ann', dryRun: true }] });
      third.open();
    },
  );
}

/** Nobody holds the gateway, and then the chain is no more. */
function unwatched(): Scenario {
  const one = scenario('unwatched', {});
  return { ...one, workers: { [CONTROL_QUEUE]: control } };
}

export function chainScenarios(): readonly Scenario[] {
  return [healed(), unwatched()];
}

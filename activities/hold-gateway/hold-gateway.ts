import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { HoldEnd } from '../../src/domain/hold.ts';
import type { HeldGateway } from '../run-task/ports.ts';
import { GatewayHold } from './gateway-hold.ts';
import type { HoldDeps } from './ports.ts';

/** What `gatewayWorkflow` schedules on `hosts`, `hosts.managed` or `host.<id>`, one Temporal attempt each (P32). */
export interface HoldGatewayActivities {
  holdGateway(input: { readonly gatewayId: string; readonly ownerEpoch: number }): Promise<HoldEnd>;
}

/** All gateways in the hands of this host. */
export interface Holds extends HoldGatewayActivities {
  find(gatewayId: string): GatewayHold | null;
  held(gatewayId: string): HeldGateway | null;
  all(): GatewayHold[];
  /** P34: every hold answers `handed-over`; connections and queues close, runs and gateways go on. */
  handOver(): Promise<void>;
}

/**
 * `holdGateway` joins the hold that lives here, or begins one, and lasts as long as it does. When the server no longer
 * knows the activity it fails as `Detached` and the hold lives on, to be joined by the next one. A host that holds
 * `maxGateways` refuses every other one.
 */
export function createHolds(deps: HoldDeps): Holds {
  const holds = new Map<string, GatewayHold>();
  let leaving = false;

  function joinOrBegin(gatewayId: string): GatewayHold {
    const living = holds.get(gatewayId);
    if (living !== undefined && !living.hasEnded) return living;
    const hold = new GatewayHold(gatewayId, deps);
    holds.set(gatewayId, hold);
    void hold.ended.then(async () => {
      await hold.close();
      if (holds.get(gatewayId) === hold) holds.delete(gatewayId);
    });
    return hold;
  }

  const find = (gatewayId: string): GatewayHold | null => {
    const hold = holds.get(gatewayId);
    return hold === undefined || hold.hasEnded ? null : hold;
  };

  const all = (): GatewayHold[] => [...holds.values()].filter((hold) => !hold.hasEnded);

  return {
    async holdGateway({ gatewayId, ownerEpoch }) {
      if (leaving) return { kind: 'handed-over' };
      if (find(gatewayId) === null && all().length >= deps.maxGateways) return { kind: 'full' };
      const { taskToken } = Context.current().info;
      const gone = Promise.withResolvers<never>();
      const onGone = (): void => gone.reject(detached(gatewayId));
      const hold = joinOrBegin(gatewayId);
      await hold.attach({ taskToken, ownerEpoch, onGone });
      return Promise.race([hold.ended, gone.promise]);
    },
    find,
    held: (gatewayId) => find(gatewayId)?.held() ?? null,
    all,
    async handOver() {
      leaving = true;
      await Promise.all([...holds.values()].map((hold) => hold.close()));
    },
  };
}

function detached(gatewayId: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `Temporal no longer knows this activity; the hold of ${gatewayId} lives on in its host`,
    'Detached',
  );
}

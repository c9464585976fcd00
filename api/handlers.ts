import type { RouteSpec } from '../src/contract/define-route.ts';
import type { Routes } from '../src/contract/routes.ts';
import type { ApiDeps } from './api-deps.ts';
import type { ApiCall, Handlers, Reply } from './handler.ts';
import { bulkOperationHandlers } from './routes/bulk-operations.ts';
import { reconcileHandlers } from './routes/reconcile.ts';
import { deadLetterHandlers } from './routes/dead-letters.ts';
import { decisionHandlers } from './routes/decisions.ts';
import { approvalHandlers } from './routes/approvals.ts';
import { budgetHandlers } from './routes/budgets.ts';
import { createEventHandlers } from './routes/events.ts';
import { fleetHandlers } from './routes/fleet.ts';
import { gatewayHandlers } from './routes/gateways.ts';
import { createOperationHandlers } from './routes/operations.ts';
import { policyHandlers } from './routes/policy.ts';
import { chainHandlers } from './routes/chains.ts';
import { poolHandlers } from './routes/pools.ts';
import { scheduleHandlers } from './routes/schedules.ts';
import { sessionHandlers } from './routes/sessions.ts';
import { swarmHandlers } from './routes/swarms.ts';
import { taskHandlers } from './routes/tasks.ts';
import { tenantHandlers } from './routes/tenants.ts';

type AnyHandler = (deps: ApiDeps, call: ApiCall) => Promise<Reply<RouteSpec>> | Reply<RouteSpec>;

/** Every route's handler by its name `resource.route`; the types refuse a table with a gap. */
export function createHandlers(deps: ApiDeps): ReadonlyMap<string, AnyHandler> {
  const table: { readonly [Resource in keyof Routes]: Handlers<Routes[Resource]> } = {
    reconcile: reconcileHandlers,
    tasks: taskHandlers,
    deadLetters: deadLetterHandlers,
    bulkOperations: bulkOperationHandlers,
    decisions: decisionHandlers,
    swarms: swarmHandlers,
    approvals: approvalHandlers,
    schedules: scheduleHandlers,
    sessions: sessionHandlers,
    gateways: gatewayHandlers,
    chains: chainHandlers,
    pools: poolHandlers,
    policy: policyHandlers,
    budgets: budgetHandlers,
    tenants: tenantHandlers,
    fleet: fleetHandlers,
    events: createEventHandlers(),
    operations: createOperationHandlers(deps),
  };
  return new Map(
    Object.entries(table).flatMap(([resource, handlers]) =>
      Object.entries(handlers).map(([name, handler]): [string, AnyHandler] => [
        `${resource}.${name}`,
        // each was checked against its own route above; the dispatcher hands it what that route parsed
        handler as unknown as AnyHandler,
      ]),
    ),
  );
}

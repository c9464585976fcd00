import { reconcileRoutes } from './reconcile.ts';
import { approvalRoutes } from './approvals.ts';
import type { RouteSpec } from './define-route.ts';
import { bulkOperationRoutes } from './bulk-operations.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { decisionRoutes } from './decisions.ts';
import { budgetRoutes } from './budgets.ts';
import { chainRoutes } from './chains.ts';
import { eventRoutes } from './events.ts';
import { fleetRoutes } from './fleet.ts';
import { gatewayRoutes } from './gateways.ts';
import { operationRoutes } from './operations.ts';
import { policyRoutes } from './policy.ts';
import { poolRoutes } from './pools.ts';
import { scheduleRoutes } from './schedules.ts';
import { sessionRoutes } from './sessions.ts';
import { swarmRoutes } from './swarms.ts';
import { taskRoutes } from './tasks.ts';
import { tenantRoutes } from './tenants.ts';

/** Every route of the API by resource and name: the one table behind server, document and client. */
export const ROUTES = {
  tasks: taskRoutes,
  deadLetters: deadLetterRoutes,
  bulkOperations: bulkOperationRoutes,
  decisions: decisionRoutes,
  swarms: swarmRoutes,
  approvals: approvalRoutes,
  schedules: scheduleRoutes,
  sessions: sessionRoutes,
  gateways: gatewayRoutes,
  chains: chainRoutes,
  pools: poolRoutes,
  policy: policyRoutes,
  budgets: budgetRoutes,
  tenants: tenantRoutes,
  fleet: fleetRoutes,
  events: eventRoutes,
  reconcile: reconcileRoutes,
  operations: operationRoutes,
} as const satisfies Record<string, Record<string, RouteSpec>>;
export type Routes = typeof ROUTES;

/** One route with its name `resource.route`, which is also its operationId. */
export interface NamedRoute {
  readonly name: string;
  readonly resource: string;
  readonly route: RouteSpec;
}

/** The table as a list, in the order of the document. */
export function listRoutes(): readonly NamedRoute[] {
  return Object.entries(ROUTES).flatMap(([resource, routes]) =>
    Object.entries<RouteSpec>(routes).map(([name, route]) => ({
      name: `${resource}.${name}`,
      resource,
      route,
    })),
  );
}

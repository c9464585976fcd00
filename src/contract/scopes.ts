/**
 * What a credential may do. A route names the one scope it needs; a credential without it is refused
 * (deny by default). `admin` stands for every scope.
 */
export const SCOPES = [
  'tasks:read',
  'tasks:write',
  'swarms:read',
  'swarms:write',
  'approvals:read',
  'approvals:write',
  'schedules:read',
  'schedules:write',
  'sessions:read',
  'sessions:write',
  'gateways:read',
  'gateways:write',
  'pools:read',
  'policy:read',
  'policy:write',
  'budgets:read',
  'budgets:write',
  'pools:write',
  'tenants:read',
  'tenants:write',
  'fleet:read',
  'fleet:write',
  'events:read',
  'metrics:read',
  'reconcile:read',
  'reconcile:write',
] as const;
export type Scope = (typeof SCOPES)[number];

export const ADMIN_SCOPE = 'admin';

/** True when a credential with these scopes may use a route that needs `needed`. */
export function grants(held: readonly string[], needed: Scope): boolean {
  return held.includes(needed) || held.includes(ADMIN_SCOPE);
}

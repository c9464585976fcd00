import { actorOf, type Credential } from '../../src/auth/credential.ts';
import type { fleetRoutes } from '../../src/contract/fleet.ts';
import {
  fleetCounts,
  readInstallation,
  setFleetPaused,
  setLimits,
  type Installation,
  type Limits,
} from '../../src/db/installation-store.ts';
import type { ApiDeps } from '../api-deps.ts';
import type { Handlers, Reply } from '../handler.ts';

type FleetRoutes = typeof fleetRoutes;

async function fleetOf(deps: ApiDeps, now: Installation): Promise<Reply<FleetRoutes['get']>> {
  const counts = await fleetCounts(deps.db);
  return {
    status: 200,
    body: {
      paused: now.fleetPaused,
      pausedAt: now.pausedAt,
      pausedBy: now.pausedBy,
      pauseReason: now.pauseReason,
      limits: {
        maxOpenTasks: now.maxOpenTasks,
        maxOpenTasksPerTenant: now.maxOpenTasksPerTenant,
        maxOpenTasksPerPool: now.maxOpenTasksPerPool,
        maxRunningTotal: now.maxRunningTotal,
        maxRunningPerTenant: now.maxRunningPerTenant,
        ageingSeconds: now.ageingSeconds,
      },
      counts: { ...counts, tasks: { ...counts.tasks }, gateways: { ...counts.gateways } },
    },
  };
}

async function brake(
  deps: ApiDeps,
  paused: boolean,
  by: { readonly body: { readonly reason: string }; readonly credential: Credential },
): Promise<Reply<FleetRoutes['get']>> {
  const { reason } = by.body;
  const now = await setFleetPaused(deps.db, {
    paused,
    actor: actorOf(by.credential),
    ...(reason === '' ? {} : { reason }),
  });
  return fleetOf(deps, now);
}

export const fleetHandlers: Handlers<FleetRoutes> = {
  get: async (deps) => fleetOf(deps, await readInstallation(deps.db)),
  limits: async (deps, { body, credential }) => {
    // what was not given must not be there at all: null means "no bound"
    const given = Object.entries(body).filter(([, value]) => value !== undefined);
    const limits = Object.fromEntries(given) as Partial<Limits>;
    return fleetOf(deps, await setLimits(deps.db, { ...limits, actor: actorOf(credential) }));
  },
  pause: (deps, call) => brake(deps, true, call),
  resume: (deps, call) => brake(deps, false, call),
};

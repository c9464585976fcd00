import { actorOf } from '../../src/auth/credential.ts';
import type { tenantRoutes } from '../../src/contract/tenants.ts';
import { getTenant, listTenants, putTenant } from '../../src/db/tenant-store.ts';
import { tenantDto } from '../dto.ts';
import type { Handlers } from '../handler.ts';
import { notFound } from '../refusals.ts';
import { maySee } from '../tenancy.ts';

export const tenantHandlers: Handlers<typeof tenantRoutes> = {
  list: async (deps, { query, credential }) => {
    const rows = await listTenants(deps.db, {
      ...(query.cursor === undefined ? {} : { after: query.cursor }),
      ...(credential.tenant === null ? {} : { only: credential.tenant }),
      limit: query.limit,
    });
    const last = rows.length < query.limit ? undefined : rows.at(-1);
    return { status: 200, body: { items: rows.map(tenantDto), nextCursor: last?.id ?? null } };
  },
  get: async (deps, { params, credential }) => {
    const row = maySee(credential, params.tenant) ? await getTenant(deps.db, params.tenant) : null;
    if (row === null) throw notFound('tenant', params.tenant);
    return { status: 200, body: tenantDto(row) };
  },
  put: async (deps, { params, body, credential }) => {
    const { weight, maxOpenTasks, maxRunning } = body;
    const row = await putTenant(deps.db, {
      id: params.tenant,
      ...(weight === undefined ? {} : { weight }),
      ...(maxOpenTasks === undefined ? {} : { maxOpenTasks }),
      ...(maxRunning === undefined ? {} : { maxRunning }),
      actor: actorOf(credential),
    });
    return { status: 200, body: tenantDto(row) };
  },
};

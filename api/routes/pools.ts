import { actorOf } from '../../src/auth/credential.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { poolRoutes } from '../../src/contract/pools.ts';
import { deletePool, getPool, listPools, putPool } from '../../src/db/pool-store.ts';
import { poolDto } from '../dto.ts';
import type { Handlers } from '../handler.ts';
import { notFound } from '../refusals.ts';
import { mayUse } from '../tenancy.ts';

export const poolHandlers: Handlers<typeof poolRoutes> = {
  list: async (deps, { credential }) => {
    const rows = await listPools(deps.db);
    const visible = rows.filter((row) => mayUse(credential, row.allowedTenants));
    return { status: 200, body: { items: visible.map(poolDto) } };
  },
  get: async (deps, { params, credential }) => {
    const row = await getPool(deps.db, params.pool);
    if (row === null || !mayUse(credential, row.allowedTenants))
      throw notFound('pool', params.pool);
    return { status: 200, body: poolDto(row) };
  },
  put: async (deps, { params, body, credential }) => {
    const row = await putPool(deps.db, { id: params.pool, ...body, actor: actorOf(credential) });
    return { status: 200, body: poolDto(row) };
  },
  delete: async (deps, { params, credential }) => {
    const { pool } = params;
    const result = await deletePool(deps.db, { id: pool, actor: actorOf(credential) });
    if (result.kind === 'not-found') throw notFound('pool', pool);
    if (result.kind === 'refused') throw inUse(pool, result);
    return { status: 200, body: { deleted: pool } };
  },
};

function inUse(
  pool: string,
  used: { readonly openTasks: number; readonly waitingNodes: number },
): AppError {
  const { openTasks, waitingNodes } = used;
  const why =
    openTasks + waitingNodes === 0
      ? 'it always stays'
      : `${openTasks} open tasks and ${waitingNodes} waiting nodes of swarms need it; let them end, or cancel them`;
  return new AppError({
    code: 'pool-in-use',
    detail: `Pool "${pool}" cannot be deleted: ${why}.`,
    details: { openTasks, waitingNodes },
  });
}

import { readBudgetName } from '../../src/domain/budget.ts';
import { actorOf, type Credential } from '../../src/auth/credential.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { budgetRoutes } from '../../src/contract/budgets.ts';
import {
  getBudget,
  listBudgets,
  putBudget,
  removeBudget,
  type BudgetRecord,
  type BudgetToPut,
} from '../../src/db/budget-store.ts';
import { listPools } from '../../src/db/pool-store.ts';
import { getSwarm } from '../../src/db/swarm-store.ts';
import type { ApiDeps } from '../api-deps.ts';
import { budgetDto } from '../dto.ts';
import type { Handler, Handlers } from '../handler.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import { invalidBody, notFound } from '../refusals.ts';
import { maySee, tenantInView } from '../tenancy.ts';

type BudgetRoutes = typeof budgetRoutes;

const list: Handler<BudgetRoutes['list']> = async (deps, { query, credential }) => {
  const tenant = tenantInView(credential, query.tenant);
  const after = placeOfCursor(query.cursor);
  const rows = await listBudgets(deps.db, {
    ...(tenant === undefined ? {} : { tenant }),
    ...(query.scope === undefined ? {} : { scope: query.scope }),
    ...(after === undefined ? {} : { after }),
    limit: query.limit,
  });
  return {
    status: 200,
    body: pageOf(rows, query.limit, { placeOf: (row) => row.number, toDto: budgetDto }),
  };
};

const get: Handler<BudgetRoutes['get']> = async (deps, { params, credential }) => ({
  status: 200,
  body: budgetDto(await visibleBudget(deps, credential, params.budgetName)),
});

async function visibleBudget(
  deps: ApiDeps,
  credential: Credential,
  name: string,
): Promise<BudgetRecord> {
  const row = await getBudget(deps.db, name);
  const isVisible =
    row !== null &&
    (row.tenant === null ? credential.tenant === null : maySee(credential, row.tenant));
  if (!isVisible) throw notFound('budget', name);
  return row;
}

const put: Handler<BudgetRoutes['put']> = async (deps, { params, body, credential }) => {
  const name = params.budgetName;
  const { usd, tokens, period } = body;
  const row = await putBudget(deps.db, {
    ...(await subjectOf(deps, name, period)),
    name,
    usd: usd ?? null,
    tokens: tokens ?? null,
    period,
    actor: actorOf(credential),
  });
  return { status: 200, body: budgetDto(row) };
};

/** What the budget is to surround, which must be there where it can be missing. */
async function subjectOf(
  deps: ApiDeps,
  name: string,
  period: BudgetToPut['period'],
): Promise<Pick<BudgetToPut, 'scope' | 'tenant'>> {
  const named = readBudgetName(name);
  if (named === null) throw notFound('budget', name);
  const { scope, tenant, subject } = named;
  if ((scope === 'pool' || scope === 'swarm') && period !== 'total') {
    const message = `must be total: a ${scope} has no days and months`;
    throw invalidBody([{ path: ['period'], message }]);
  }
  if (scope === 'pool' && !(await listPools(deps.db)).some(({ id }) => id === subject)) {
    const message = `there is no pool "${subject}"; GET /api/v1/pools lists them`;
    throw new AppError({
      code: 'validation-failed',
      detail: `The request is not valid: params.budgetName: ${message}.`,
      details: { issues: [{ path: 'params.budgetName', message }] },
    });
  }
  if (scope !== 'swarm') return { scope, tenant };
  const found = await getSwarm(deps.db, subject);
  if (found === null) throw notFound('swarm', subject);
  return { scope, tenant: found.swarm.tenant };
}

const remove: Handler<BudgetRoutes['remove']> = async (deps, { params, credential }) => {
  const name = params.budgetName;
  const removed = await removeBudget(deps.db, { name, actor: actorOf(credential) });
  if (!removed) throw notFound('budget', name);
  return { status: 200, body: { removed } };
};

export const budgetHandlers: Handlers<BudgetRoutes> = { list, get, put, remove };

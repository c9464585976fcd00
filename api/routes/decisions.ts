import type { decisionRoutes } from '../../src/contract/decisions.ts';
import { getDecision, listDecisions } from '../../src/db/decision-store.ts';
import type { Handlers } from '../handler.ts';
import { waitingDecisionDto } from '../outcome-dto.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import { nothingToDecide } from '../refusals.ts';
import { tenantInView } from '../tenancy.ts';
import { visibleTask } from '../visible-task.ts';

export const decisionHandlers: Handlers<typeof decisionRoutes> = {
  list: async (deps, { query, credential }) => {
    const tenant = tenantInView(credential, query.tenant);
    const after = placeOfCursor(query.cursor);
    const rows = await listDecisions(deps.db, {
      ...(tenant === undefined ? {} : { tenant }),
      ...(query.gateway === undefined ? {} : { gatewayId: query.gateway }),
      ...(after === undefined ? {} : { after }),
      limit: query.limit,
    });
    return {
      status: 200,
      body: pageOf(rows, query.limit, { placeOf: (row) => row.seq, toDto: waitingDecisionDto }),
    };
  },
  get: async (deps, { params, credential }) => {
    await visibleTask(deps, credential, params.taskId);
    const row = await getDecision(deps.db, params.taskId);
    if (row === null) throw nothingToDecide(params.taskId, null);
    return { status: 200, body: waitingDecisionDto(row) };
  },
};

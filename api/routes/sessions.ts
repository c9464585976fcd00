import type { sessionRoutes } from '../../src/contract/sessions.ts';
import { getSession, listSessions } from '../../src/db/session-store.ts';
import { sessionDto, taskSummaryDto } from '../dto.ts';
import type { Handlers } from '../handler.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import { notFound } from '../refusals.ts';
import { tenantInView, tenantOfWork } from '../tenancy.ts';
import { whySessionHandler } from './why.ts';

export const sessionHandlers: Handlers<typeof sessionRoutes> = {
  list: async (deps, { query, credential }) => {
    const tenant = tenantInView(credential, query.tenant);
    const before = placeOfCursor(query.cursor);
    const rows = await listSessions(deps.db, {
      ...(tenant === undefined ? {} : { tenant }),
      ...(query.gateway === undefined ? {} : { gatewayId: query.gateway }),
      ...(before === undefined ? {} : { before }),
      limit: query.limit,
    });
    return {
      status: 200,
      body: pageOf(rows, query.limit, { placeOf: (row) => row.id, toDto: sessionDto }),
    };
  },
  get: async (deps, { params, query, credential }) => {
    const tenant = tenantOfWork(credential, query.tenant);
    const session = await getSession(deps.db, { tenant, key: params.sessionKey });
    if (session === null) throw notFound('session', params.sessionKey);
    return {
      status: 200,
      body: { session: sessionDto(session), tasks: session.tasks.map(taskSummaryDto) },
    };
  },
  why: whySessionHandler,
};

import type { reconcileRoutes } from '../../src/contract/reconcile.ts';
import { listFindings, type FindingRecord } from '../../src/db/finding-store.ts';
import { askWorkflow } from '../ask-workflow.ts';
import type { Handlers } from '../handler.ts';
import { pageOf, placeOfCursor } from '../page.ts';

export const reconcileHandlers: Handlers<typeof reconcileRoutes> = {
  findings: async (deps, { query }) => {
    const before = placeOfCursor(query.cursor);
    const rows = await listFindings(deps.db, {
      ...(query.kind === undefined ? {} : { kind: query.kind }),
      ...(query.subject === undefined ? {} : { subject: query.subject }),
      ...(query.repaired === undefined ? {} : { repaired: query.repaired === 'true' }),
      ...(query.standing === undefined ? {} : { standing: query.standing === 'true' }),
      ...(before === undefined ? {} : { before }),
      limit: query.limit,
    });
    return {
      status: 200,
      body: pageOf(rows, query.limit, { placeOf: (row) => row.id, toDto: findingDto }),
    };
  },
  run: async (deps) => {
    const ask = (): Promise<void> => deps.messages.runMaintenance();
    await askWorkflow({ what: 'reconcile', ask, start: ask });
    return { status: 202, body: { asked: true } };
  },
};

function findingDto(row: FindingRecord) {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    detail: { ...row.detail },
    repaired: row.repaired,
    times: row.times,
    firstSeenAt: row.firstSeenAt,
    lastSeenAt: row.lastSeenAt,
  };
}

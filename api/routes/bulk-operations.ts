import { actorOf, type Credential } from '../../src/auth/credential.ts';
import type { bulkOperationRoutes } from '../../src/contract/bulk-operations.ts';
import { AppError } from '../../src/contract/errors.ts';
import { acceptBulk, cancelBulk, getBulk, type BulkOperation } from '../../src/db/bulk-store.ts';
import { countDeadLetters, listDeadLetters } from '../../src/db/dead-letter-store.ts';
import { newId } from '../../src/platform/ids.ts';
import type { ApiDeps } from '../api-deps.ts';
import { deadLetterFilterOf } from '../dead-letter-filter.ts';
import type { Handler, Handlers } from '../handler.ts';
import { hasten } from '../hasten.ts';
import { bulkOperationDto, deadLetterDto } from '../outcome-dto.ts';
import { misplaced } from '../refusals.ts';
import { defined, editsOf } from '../replay-edits.ts';
import { maySee } from '../tenancy.ts';

type BulkRoutes = typeof bulkOperationRoutes;

const SAMPLE = 10;

/** The row first; its workflow is started after the commit, by reconcile when that fails. */
const start: Handler<BulkRoutes['start']> = async (deps, { body, credential, scope }) => {
  const filter = deadLetterFilterOf(credential, body.filter);
  if (body.dryRun) {
    const open = { ...filter, states: ['open'] } as const;
    const rows = await listDeadLetters(deps.db, { filter: open, limit: SAMPLE });
    const count = await countDeadLetters(deps.db, open);
    return { status: 200, body: { dryRun: true, count, sample: rows.map(deadLetterDto) } };
  }
  const accepted = await acceptBulk(deps.db, {
    id: newId('bulk'),
    action: body.action,
    filter,
    edits: editsOf(body.edits),
    ...defined({ note: body.note }),
    actor: actorOf(credential),
  });
  if (accepted.kind !== 'accepted') throw misplaced(accepted, ['edits', 'pool']);
  const { operation } = accepted;
  hasten(scope.log, 'the start of the bulk operation', () => deps.messages.startBulk(operation.id));
  return { status: 202, body: { dryRun: false, operation: bulkOperationDto(operation) } };
};

async function visibleBulk(
  deps: ApiDeps,
  credential: Credential,
  bulkId: string,
): Promise<BulkOperation> {
  const found = await getBulk(deps.db, bulkId);
  const visible =
    found !== null && (credential.tenant === null || maySee(credential, found.tenant ?? ''));
  if (found !== null && visible) return found;
  throw new AppError({
    code: 'bulk-operation-not-found',
    detail: `There is no bulk operation "${bulkId}" that this API key may see. Its id is in the answer that accepted it.`,
  });
}

export const bulkOperationHandlers: Handlers<BulkRoutes> = {
  start,
  get: async (deps, { params, credential }) => ({
    status: 200,
    body: bulkOperationDto(await visibleBulk(deps, credential, params.bulkId)),
  }),
  cancel: async (deps, { params, credential }) => {
    const before = await visibleBulk(deps, credential, params.bulkId);
    const after = await cancelBulk(deps.db, { bulkId: before.id, actor: actorOf(credential) });
    return { status: 200, body: bulkOperationDto(after ?? before) };
  },
};

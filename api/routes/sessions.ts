import { actorOf, type Credential } from '../../src/auth/credential.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { Session, sessionRoutes } from '../../src/contract/sessions.ts';
import {
  migrateSession,
  quarantineSession,
  releaseSession,
  type CareResult,
  type MigrateResult,
} from '../../src/db/session-care.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import type { ApiDeps } from '../api-deps.ts';
import { getSession, listSessions } from '../../src/db/session-store.ts';
import { sessionDto, taskSummaryDto } from '../dto.ts';
import type { Handlers } from '../handler.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import { invalidBody, notFound } from '../refusals.ts';
import { defined } from '../replay-edits.ts';
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
  quarantine: async (deps, { params, query, body, credential }) => {
    const session = sessionNamed(credential, params.sessionKey, query.tenant);
    const result = await quarantineSession(deps.db, {
      ...session,
      reason: body.reason,
      actor: actorOf(credential),
    });
    return afterCare(deps, session, result);
  },
  release: async (deps, { params, query, body, credential }) => {
    const session = sessionNamed(credential, params.sessionKey, query.tenant);
    const result = await releaseSession(deps.db, {
      ...session,
      ...defined(body),
      actor: actorOf(credential),
    });
    return afterCare(deps, session, result);
  },
  migrate: async (deps, { params, query, body, credential }) => {
    const session = sessionNamed(credential, params.sessionKey, query.tenant);
    const result = await migrateSession(deps.db, {
      ...session,
      ...(body.gateway === undefined ? {} : { gatewayId: body.gateway }),
      reason: body.reason,
      actor: actorOf(credential),
    });
    switch (result.kind) {
      case 'busy':
        throw sessionBusy(session.key, result);
      case 'impossible':
        throw invalidBody([{ path: ['gateway'], message: result.problem }]);
      case 'ok':
      case 'not-found':
        return afterCare(deps, session, result);
      default:
        return assertNever(result);
    }
  },
};

interface NamedSession {
  readonly tenant: string;
  readonly key: string;
}

function sessionNamed(
  credential: Credential,
  key: string,
  tenant: string | undefined,
): NamedSession {
  return { tenant: tenantOfWork(credential, tenant), key };
}

async function afterCare(
  deps: ApiDeps,
  session: NamedSession,
  result: CareResult,
): Promise<{ status: 200; body: Session }> {
  const row = result.kind === 'ok' ? await getSession(deps.db, session) : null;
  if (row === null) throw notFound('session', session.key);
  return { status: 200, body: sessionDto(row) };
}

function sessionBusy(
  key: string,
  open: Extract<MigrateResult, { readonly kind: 'busy' }>,
): AppError {
  const { attemptId, taskId, gatewayId, state } = open;
  return new AppError({
    code: 'session-busy',
    detail: `Task "${taskId}" of session "${key}" has an attempt on gateway "${gatewayId}" (${state}), so the session stays there. Wait for it, cancel it or decide about it, then move the session.`,
    details: { attemptId, taskId, gatewayId, state },
  });
}

import { newSwarmOf } from '../../src/admission/new-work.ts';
import { parseSwarmSpec } from '../../src/domain/swarm-spec.ts';
import { actorOf, type Credential } from '../../src/auth/credential.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { swarmRoutes } from '../../src/contract/swarms.ts';
import {
  acceptSwarm,
  getSwarm,
  listSwarms,
  requestSwarmCancel,
  type SwarmNews,
} from '../../src/db/swarm-store.ts';
import type { ApiDeps } from '../api-deps.ts';
import { askWorkflow } from '../ask-workflow.ts';
import { swarmDto, swarmNodeDto } from '../dto.ts';
import type { Handler, Handlers } from '../handler.ts';
import { hasten } from '../hasten.ts';
import { pageOf, placeOfCursor } from '../page.ts';
import {
  boundReached,
  idempotencyConflict,
  invalidBody,
  misplaced,
  notFound,
} from '../refusals.ts';
import { requestHash } from '../request-hash.ts';
import { maySee, tenantInView, tenantOfWork } from '../tenancy.ts';
import { whySwarmHandler } from './why.ts';

type SwarmRoutes = typeof swarmRoutes;

async function visibleSwarm(
  deps: ApiDeps,
  credential: Credential,
  swarmId: string,
): Promise<SwarmNews> {
  const found = await getSwarm(deps.db, swarmId);
  if (found === null || !maySee(credential, found.swarm.tenant)) throw notFound('swarm', swarmId);
  return found;
}

/** The row first; its workflow is started after the commit, by reconcile when that fails (P31). */
const run: Handler<SwarmRoutes['run']> = async (deps, call) => {
  const { credential, idempotencyKey, scope, rawBody } = call;
  const parsed = parseSwarmSpec(rawBody);
  if (parsed.kind === 'invalid') throw invalidBody(parsed.problems);
  const tenant = tenantOfWork(credential, parsed.spec.tenant);
  const swarm = newSwarmOf(parsed, rawBody, {
    tenant,
    correlationId: scope.correlationId,
    idempotency:
      idempotencyKey === null
        ? null
        : { key: idempotencyKey, requestHash: requestHash(tenant, rawBody) },
    actor: actorOf(credential),
  });
  const accepted = await acceptSwarm(deps.db, swarm);
  switch (accepted.kind) {
    case 'accepted':
      hasten(scope.log, 'the start of the swarm', () =>
        deps.messages.startSwarm(accepted.swarm.id),
      );
      return { status: 202, body: { existing: false, swarm: swarmDto(accepted.swarm) } };
    case 'existing':
      return { status: 200, body: { existing: true, swarm: swarmDto(accepted.swarm) } };
    case 'conflict':
      throw idempotencyConflict(idempotencyKey, { swarmId: accepted.swarmId });
    case 'refused':
      throw boundReached(accepted);
    case 'unknown-pool':
    case 'tenant-not-in-pool':
    case 'unmet-requirements':
      throw misplaced(accepted);
  }
};

const list: Handler<SwarmRoutes['list']> = async (deps, { query, credential }) => {
  const tenant = tenantInView(credential, query.tenant);
  const before = placeOfCursor(query.cursor);
  const rows = await listSwarms(deps.db, {
    ...(query.state === undefined ? {} : { states: query.state }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(before === undefined ? {} : { before }),
    limit: query.limit,
  });
  return {
    status: 200,
    body: pageOf(rows, query.limit, { placeOf: (row) => row.seq, toDto: swarmDto }),
  };
};

const get: Handler<SwarmRoutes['get']> = async (deps, { params, credential }) => {
  const { swarm, nodes } = await visibleSwarm(deps, credential, params.swarmId);
  return { status: 200, body: { swarm: swarmDto(swarm), nodes: nodes.map(swarmNodeDto) } };
};

const cancel: Handler<SwarmRoutes['cancel']> = async (deps, { params, credential, scope }) => {
  const { swarmId } = params;
  const actor = actorOf(credential);
  await visibleSwarm(deps, credential, swarmId);
  const result = await requestSwarmCancel(deps.db, { swarmId, actor });
  if (result.kind === 'not-found') throw notFound('swarm', swarmId);
  if (result.kind === 'ended' && result.swarm.state !== 'cancelled') throw ended(result.swarm);
  if (result.kind === 'ok') {
    hasten(scope.log, 'the cancel of the swarm', () =>
      deps.messages.updateSwarm(swarmId, 'cancel', { actor }),
    );
  }
  return { status: 202, body: { swarm: swarmDto(result.swarm) } };
};

/** pause, resume and scale are recorded by the workflow itself, so they need its answer. */
async function command(
  deps: ApiDeps,
  options: {
    readonly credential: Credential;
    readonly swarmId: string;
    readonly update: 'pause' | 'resume' | 'scale';
    readonly maxParallel?: number;
  },
): Promise<{ status: 202; body: { swarm: ReturnType<typeof swarmDto> } }> {
  const { credential, swarmId, update, maxParallel } = options;
  const before = await visibleSwarm(deps, credential, swarmId);
  if (before.swarm.finishedAt !== null) throw ended(before.swarm);
  const args = {
    actor: actorOf(credential),
    ...(maxParallel === undefined ? {} : { maxParallel }),
  };
  await askWorkflow({
    what: `swarm "${swarmId}"`,
    ask: () => deps.messages.updateSwarm(swarmId, update, args),
    start: () => deps.messages.startSwarm(swarmId),
  });
  const { swarm } = await visibleSwarm(deps, credential, swarmId);
  return { status: 202, body: { swarm: swarmDto(swarm) } };
}

function ended(swarm: { readonly id: string; readonly state: string }): AppError {
  return new AppError({
    code: 'swarm-ended',
    detail: `Swarm "${swarm.id}" is ${swarm.state} and takes no more commands.`,
    details: { state: swarm.state },
  });
}

export const swarmHandlers: Handlers<SwarmRoutes> = {
  run,
  list,
  get,
  why: whySwarmHandler,
  cancel,
  pause: (deps, { params, credential }) =>
    command(deps, { credential, swarmId: params.swarmId, update: 'pause' }),
  resume: (deps, { params, credential }) =>
    command(deps, { credential, swarmId: params.swarmId, update: 'resume' }),
  scale: (deps, { params, body, credential }) =>
    command(deps, {
      credential,
      swarmId: params.swarmId,
      update: 'scale',
      maxParallel: body.maxParallel,
    }),
};

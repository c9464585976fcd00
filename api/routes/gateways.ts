import { randomBytes } from 'node:crypto';
import type { GatewayMessage } from '../../src/domain/gateway.ts';
import { actorOf, type Credential } from '../../src/auth/credential.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { gatewayRoutes } from '../../src/contract/gateways.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import { updateGateway } from '../../src/db/gateway-settings.ts';
import { getGateway, listGateways, registerGateway } from '../../src/db/gateway-store.ts';
import { sealSecret } from '../../src/platform/secret-box.ts';
import type { ApiCall, Handler, Handlers, Reply } from '../handler.ts';
import type { ApiDeps } from '../api-deps.ts';
import { askWorkflow } from '../ask-workflow.ts';
import { gatewayDto } from '../dto.ts';
import { hasten } from '../hasten.ts';
import { notFound } from '../refusals.ts';
import { mayUse } from '../tenancy.ts';
import { whyGatewayHandler } from './why.ts';

type GatewayRoutes = typeof gatewayRoutes;

const TOKEN_BYTES = 32;
/** Port 0: its host chooses a free one at the first start and writes it down. */
const MANAGED_ENDPOINT = 'ws://127.0.0.1:0';

/** The row and the sealed token first; its workflow is started after the commit, by reconcile when that fails. */
const register: Handler<GatewayRoutes['register']> = async (deps, { body, credential, scope }) => {
  const endpoint = body.endpoint ?? MANAGED_ENDPOINT;
  const token = body.token ?? randomBytes(TOKEN_BYTES).toString('hex');
  const result = await registerGateway(deps.db, {
    id: body.id ?? idFromEndpoint(body.kind, endpoint),
    kind: body.kind,
    endpoint,
    labels: body.labels,
    capabilities: body.capabilities,
    region: body.region ?? null,
    allowedTenants: body.allowedTenants ?? null,
    configuredLanes: body.lanes,
    costWeight: body.costWeight,
    sealedToken: sealSecret(deps.secretKey, token),
    actor: actorOf(credential),
  });
  if (result.kind === 'exists') throw gatewayExists(result.gateway);
  const gatewayId = result.gateway.id;
  hasten(scope.log, 'the start of the gateway', () => deps.messages.ensureGateway(gatewayId));
  return { status: 201, body: gatewayDto(result.gateway) };
};

const list: Handler<GatewayRoutes['list']> = async (deps, { query, credential }) => {
  const rows = await listGateways(deps.db, { includeRemoved: query.removed === 'true' });
  const visible = rows.filter((row) => mayUse(credential, row.allowedTenants));
  return { status: 200, body: { items: visible.map(gatewayDto) } };
};

const get: Handler<GatewayRoutes['get']> = async (deps, { params, credential }) => ({
  status: 200,
  body: gatewayDto(await visibleGateway(deps, credential, params.gatewayId)),
});

export async function visibleGateway(
  deps: ApiDeps,
  credential: Credential,
  gatewayId: string,
): Promise<GatewayRecord> {
  const row = await getGateway(deps.db, gatewayId);
  if (row === null || !mayUse(credential, row.allowedTenants)) throw notFound('gateway', gatewayId);
  return row;
}

const update: Handler<GatewayRoutes['update']> = async (deps, { params, body, credential }) => {
  const { gatewayId } = params;
  const result = await updateGateway(deps.db, {
    gatewayId,
    changes: body,
    actor: actorOf(credential),
  });
  if (result.kind === 'not-found') throw notFound('gateway', gatewayId);
  if (result.kind === 'removed')
    throw refused(gatewayId, 'new settings', { state: 'removed', accepts: [], detail: null });
  return { status: 200, body: gatewayDto(result.gateway) };
};

/** An order to the gateway's workflow, which records the wish or says what its state accepts. */
function command(message: GatewayMessage) {
  return async (
    deps: ApiDeps,
    { params, body, credential }: ApiCall<GatewayRoutes['drain']>,
  ): Promise<Reply<GatewayRoutes['drain']>> => {
    const { gatewayId } = params;
    const row = await visibleGateway(deps, credential, gatewayId);
    if (row.state === 'removed')
      throw refused(gatewayId, message, { state: row.state, accepts: [], detail: null });
    const result = await askWorkflow({
      what: `gateway "${gatewayId}"`,
      ask: () =>
        deps.messages.updateGateway(gatewayId, message, {
          actor: actorOf(credential),
          reason: body.reason,
        }),
      start: () => deps.messages.ensureGateway(gatewayId),
    });
    if (result.kind === 'refused') throw refused(gatewayId, message, result);
    return { status: 202, body: { gatewayId, command: message, state: result.state } };
  };
}

function refused(
  gatewayId: string,
  message: GatewayMessage | 'new settings',
  why: {
    readonly state: string;
    readonly accepts: readonly string[];
    readonly detail: string | null;
  },
): AppError {
  const accepts = why.accepts.length === 0 ? 'nothing' : why.accepts.join(', ');
  return new AppError({
    code: 'gateway-refuses',
    detail: `Gateway "${gatewayId}" is ${why.state} and does not take "${message}" now${why.detail === null ? '' : `: ${why.detail}`}. It takes: ${accepts}.`,
    details: { state: why.state, accepts: why.accepts },
  });
}

function gatewayExists(gateway: GatewayRecord): AppError {
  const what =
    gateway.state === 'removed'
      ? 'was used by a gateway that has been removed'
      : 'is registered already';
  return new AppError({
    code: 'gateway-exists',
    detail: `The gateway id "${gateway.id}" ${what}; ids are never used again. Choose another one.`,
    details: { state: gateway.state },
  });
}

/** `ws://10.0.0.7:18789` → `adopted-10-0-0-7-18789`: readable, and the same endpoint is not registered twice. */
function idFromEndpoint(kind: string, endpoint: string): string {
  if (endpoint === MANAGED_ENDPOINT) return `managed-${randomBytes(4).toString('hex')}`;
  const { hostname, port } = new URL(endpoint);
  const words = `${kind}-${hostname}-${port}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return words.replace(/^-+|-+$/g, '').slice(0, 40);
}

export const gatewayHandlers: Handlers<GatewayRoutes> = {
  register,
  list,
  get,
  update,
  why: whyGatewayHandler,
  start: command('start'),
  stop: command('stop'),
  restart: command('restart'),
  drain: command('drain'),
  undrain: command('undrain'),
  cordon: command('cordon'),
  uncordon: command('uncordon'),
  recover: command('recover'),
  remove: command('remove'),
};

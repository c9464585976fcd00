import { actorOf, type Credential } from '../../src/auth/credential.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { ChainLook, DashboardUrl } from '../../src/contract/chain-dto.ts';
import type { chainRoutes } from '../../src/contract/chains.ts';
import {
  chainHistory,
  getChain,
  listChains,
  pauseChain,
  putChain,
  removeChain,
  type ChainPause,
  type ChainRecord,
} from '../../src/db/chain-store.ts';
import { showToken } from '../../src/db/gateway-store.ts';
import { openSecret } from '../../src/platform/secret-box.ts';
import type { GatewayRecord } from '../../src/db/gateway-record.ts';
import { isLoopback } from '../../src/domain/dashboard-chain/contract.ts';
import type { ChainVerdict } from '../../src/domain/dashboard-chain/link.ts';
import { chainOf, storable, UNSAID } from '../../src/domain/dashboard-chain/settings.ts';
import { diagnosisOf, healthOf } from '../../src/domain/dashboard-chain/words.ts';
import type { ApiDeps } from '../api-deps.ts';
import { askWorkflow } from '../ask-workflow.ts';
import { chainDto, linksDto, stepDto } from '../chain-dto.ts';
import { eventDto } from '../dto.ts';
import type { Handler, Handlers, Reply } from '../handler.ts';
import { hasten } from '../hasten.ts';
import { chainNotFound, notFound } from '../refusals.ts';
import { mayUse } from '../tenancy.ts';
import { visibleGateway } from './gateways.ts';

type ChainRoutes = typeof chainRoutes;

const HISTORY = 100;

const url: Handler<ChainRoutes['url']> = async (deps, { params, credential }) => ({
  status: 200,
  body: await urlBody(deps, credential, params.gatewayId),
});

/** Who saw the token stands in an event before it is shown. */
const urlWithToken: Handler<ChainRoutes['urlWithToken']> = async (deps, { params, credential }) => {
  const { gatewayId } = params;
  const body = await urlBody(deps, credential, gatewayId);
  const sealed = await showToken(deps.db, { gatewayId, actor: actorOf(credential) });
  if (sealed === null)
    throw new AppError({
      code: 'gateway-refuses',
      detail: `Gateway "${gatewayId}" has no token in Dash, so there is none to be shown. It was removed, or registered without one.`,
      details: { state: 'removed', accepts: [] },
    });
  const withToken = (written: string): string => {
    const opened = new URL(written);
    opened.hash = `token=${encodeURIComponent(openSecret(deps.secretKey, sealed))}`;
    return opened.href;
  };
  return {
    status: 200,
    body: {
      ...body,
      url: withToken(body.url),
      fallbackUrls: body.fallbackUrls.map(withToken),
    },
  };
};

async function urlBody(
  deps: ApiDeps,
  credential: Credential,
  gatewayId: string,
): Promise<DashboardUrl> {
  const { endpoint } = await visibleGateway(deps, credential, gatewayId);
  const { settings } = (await getChain(deps.db, gatewayId)) ?? { settings: UNSAID };
  const { accessUrl, fallbackUrls } = chainOf(settings, endpoint);
  return { gatewayId, url: accessUrl, fallbackUrls: [...fallbackUrls] };
}

const list: Handler<ChainRoutes['list']> = async (deps, { credential }) => {
  const rows = await listChains(deps.db);
  const visible = rows.filter(({ gateway }) => mayUse(credential, gateway.allowedTenants));
  return { status: 200, body: { items: visible.map(chainDto) } };
};

const get: Handler<ChainRoutes['get']> = async (deps, { params, credential }) => ({
  status: 200,
  body: chainDto(await visibleChain(deps, credential, params.gatewayId)),
});

async function visibleChain(
  deps: ApiDeps,
  credential: Credential,
  gatewayId: string,
): Promise<ChainRecord> {
  await visibleGateway(deps, credential, gatewayId);
  const row = await getChain(deps.db, gatewayId);
  if (row === null) throw chainNotFound(gatewayId);
  return row;
}

/** The row first; its workflow is started after the commit, by reconcile when that fails. */
const put: Handler<ChainRoutes['put']> = async (deps, { params, body, credential, scope }) => {
  const { gatewayId } = params;
  const actor = actorOf(credential);
  refuseElsewhere(await visibleGateway(deps, credential, gatewayId));
  const result = await putChain(deps.db, { gatewayId, settings: storable(body), actor });
  if (result.kind === 'not-found') throw notFound('gateway', gatewayId);
  if (result.kind === 'removed')
    throw new AppError({
      code: 'gateway-refuses',
      detail: `Gateway "${gatewayId}" has been removed; nobody opens its dashboard any more.`,
      details: { state: 'removed', accepts: [] },
    });
  hasten(scope.log, 'the watch of the chain', () => deps.messages.ensureChain(gatewayId));
  return { status: 200, body: chainDto(result.chain) };
};

/** What listens on this machine says nothing about a gateway on another one. */
function refuseElsewhere({ id, endpoint, state }: GatewayRecord): void {
  const url = new URL(endpoint);
  if (url.protocol === 'ws:' && isLoopback(url)) return;
  throw new AppError({
    code: 'gateway-refuses',
    detail: `The dashboard of gateway "${id}" cannot be watched: its endpoint is ${url.origin}, and Dash looks at gateways on the machine of their host only.`,
    details: { state, accepts: [] },
  });
}

const remove: Handler<ChainRoutes['remove']> = async (deps, { params, credential }) => {
  const { gatewayId } = params;
  await visibleGateway(deps, credential, gatewayId);
  const result = await removeChain(deps.db, { gatewayId, actor: actorOf(credential) });
  if (result.kind === 'not-found') throw chainNotFound(gatewayId);
  return { status: 200, body: { removed: gatewayId, leftOrigins: [...result.placedOrigins] } };
};

const verify: Handler<ChainRoutes['verify']> = async (deps, { params, credential }) => {
  const { gatewayId } = params;
  await visibleChain(deps, credential, gatewayId);
  const result = await askWorkflow({
    what: `the dashboard of gateway "${gatewayId}"`,
    ask: () => deps.messages.verifyChain(gatewayId),
    start: () => deps.messages.ensureChain(gatewayId),
  });
  if (result.kind === 'no-chain') throw chainNotFound(gatewayId);
  return {
    status: 200,
    body: lookBody(deps, gatewayId, result.kind === 'seen' ? result : null),
  };
};

/** null: nobody could look. */
function lookBody(
  { clock }: ApiDeps,
  gatewayId: string,
  seen: { readonly atMs: number; readonly verdict: ChainVerdict } | null,
): ChainLook {
  const verdict = seen?.verdict ?? null;
  return {
    gatewayId,
    health: healthOf(verdict),
    diagnosis: diagnosisOf(verdict),
    at: new Date(seen?.atMs ?? clock.now()).toISOString(),
    links: linksDto(verdict),
  };
}

const heal: Handler<ChainRoutes['heal']> = async (deps, { params, body, credential }) => {
  const { gatewayId } = params;
  await visibleChain(deps, credential, gatewayId);
  const order = { actor: actorOf(credential), dryRun: body.dryRun };
  const result = await askWorkflow({
    what: `the dashboard of gateway "${gatewayId}"`,
    ask: () => deps.messages.healChain(gatewayId, order),
    start: () => deps.messages.ensureChain(gatewayId),
  });
  if (result.kind === 'no-chain') throw chainNotFound(gatewayId);
  const done = result.kind === 'done' ? result : null;
  return {
    status: 200,
    body: {
      ...lookBody(deps, gatewayId, done),
      taken: (done?.taken ?? []).map(({ link, reason, action, healed, problem }) => ({
        link,
        reason,
        action,
        healed,
        problem,
      })),
      plan: (done?.plan ?? []).map(stepDto),
    },
  };
};

async function setPause(
  deps: ApiDeps,
  wish: {
    readonly gatewayId: string;
    readonly credential: Credential;
    readonly pause: ChainPause | null;
  },
): Promise<Reply<ChainRoutes['resume']>> {
  const { gatewayId, credential, pause } = wish;
  await visibleGateway(deps, credential, gatewayId);
  const result = await pauseChain(deps.db, { gatewayId, pause, actor: actorOf(credential) });
  if (result.kind === 'not-found') throw chainNotFound(gatewayId);
  return { status: 200, body: chainDto(result.chain) };
}

const pause: Handler<ChainRoutes['pause']> = (deps, { params, body, credential }) => {
  const until = body.until === null ? null : new Date(body.until).toISOString();
  const { gatewayId } = params;
  return setPause(deps, { gatewayId, credential, pause: { until, reason: body.reason } });
};

const resume: Handler<ChainRoutes['resume']> = (deps, { params, credential }) =>
  setPause(deps, { gatewayId: params.gatewayId, credential, pause: null });

const history: Handler<ChainRoutes['history']> = async (deps, { params, credential }) => {
  const { gatewayId } = params;
  await visibleChain(deps, credential, gatewayId);
  const rows = await chainHistory(deps.db, { gatewayId, limit: HISTORY });
  return { status: 200, body: { items: rows.map(eventDto) } };
};

export const chainHandlers: Handlers<ChainRoutes> = {
  url,
  urlWithToken,
  list,
  get,
  put,
  remove,
  verify,
  heal,
  pause,
  resume,
  history,
};

import type { gatewayRoutes } from '../../src/contract/gateways.ts';
import type { sessionRoutes } from '../../src/contract/sessions.ts';
import type { swarmRoutes } from '../../src/contract/swarms.ts';
import type { taskRoutes } from '../../src/contract/tasks.ts';
import type { Why as WhyDto } from '../../src/contract/why.ts';
import { getGateway } from '../../src/db/gateway-store.ts';
import { gatewayFacts, sessionFacts, swarmFacts, taskFacts } from '../../src/db/why-queries.ts';
import { explain, type Reasons, type Why } from '../../src/domain/why.ts';
import { whyGateway } from '../../src/domain/why-gateway.ts';
import { whySwarm } from '../../src/domain/why-swarm.ts';
import { aloneSeenBy, busySeenBy, taskSeenBy } from '../../src/domain/why-view.ts';
import { needsTemporal, whySession, whyTask } from '../../src/domain/why-task.ts';
import type { TemporalCheck } from '../../src/domain/why-temporal.ts';
import type { ApiDeps } from '../api-deps.ts';
import type { Handler } from '../handler.ts';
import { notFound } from '../refusals.ts';
import { maySee, mayUse, tenantOfWork } from '../tenancy.ts';

/** Temporal answers within milliseconds, or its absence is the reason that is looked for. */
const TEMPORAL_ANSWERS_WITHIN_MS = 1_000;
const NO_ANSWER: TemporalCheck = {
  kind: 'unreachable',
  detail: `no answer within ${TEMPORAL_ANSWERS_WITHIN_MS} ms`,
};
const FINE: TemporalCheck = { kind: 'ok' };

export const whyTaskHandler: Handler<(typeof taskRoutes)['why']> = async (
  deps,
  { params: { taskId }, credential },
) => {
  const row = await taskFacts(deps.db, taskId);
  if (row === null || !maySee(credential, row.task.tenant)) throw notFound('task', taskId);
  const facts = taskSeenBy(credential.tenant, row);
  const temporal = needsTemporal(facts) ? await askTemporal(deps) : FINE;
  return answer({ kind: 'task', id: taskId }, facts.task.state, whyTask(facts, temporal));
};

export const whySessionHandler: Handler<(typeof sessionRoutes)['why']> = async (
  deps,
  { params, query, credential },
) => {
  const tenant = tenantOfWork(credential, query.tenant);
  const key = params.sessionKey;
  const facts = await sessionFacts(deps.db, { tenant, key });
  if (facts === null) throw notFound('session', key);
  const head = facts.head === null ? null : aloneSeenBy(credential.tenant, facts.head);
  const temporal = head !== null && needsTemporal(head) ? await askTemporal(deps) : FINE;
  const state = head === null ? 'idle' : head.task.state;
  return answer({ kind: 'session', id: key }, state, whySession({ ...facts, head }, temporal));
};

export const whySwarmHandler: Handler<(typeof swarmRoutes)['why']> = async (
  deps,
  { params: { swarmId }, credential },
) => {
  const facts = await swarmFacts(deps.db, swarmId);
  if (facts === null || !maySee(credential, facts.swarm.tenant)) throw notFound('swarm', swarmId);
  const reasons = whySwarm(facts, await askTemporal(deps));
  return answer({ kind: 'swarm', id: swarmId }, facts.swarm.state, reasons);
};

export const whyGatewayHandler: Handler<(typeof gatewayRoutes)['why']> = async (
  deps,
  { params: { gatewayId }, credential },
) => {
  const row = await getGateway(deps.db, gatewayId);
  const facts = await gatewayFacts(deps.db, gatewayId);
  if (row === null || facts === null || !mayUse(credential, row.allowedTenants))
    throw notFound('gateway', gatewayId);
  const busyWith = busySeenBy(credential.tenant, facts.busyWith);
  const reasons = whyGateway({ ...facts, busyWith }, await askTemporal(deps));
  return answer({ kind: 'gateway', id: gatewayId }, facts.gateway.state, reasons);
};

function answer(
  subject: Why['subject'],
  state: string,
  reasons: Reasons,
): { readonly status: 200; readonly body: WhyDto } {
  const why = explain(subject, state, reasons);
  return {
    status: 200,
    body: {
      ...why,
      reasons: why.reasons.map((reason) => ({ ...reason, facts: { ...reason.facts } })),
    },
  };
}

async function askTemporal({ messages, clock }: ApiDeps): Promise<TemporalCheck> {
  const answered = new AbortController();
  try {
    return await Promise.race([
      messages.checkWorkflows(),
      clock.sleep(TEMPORAL_ANSWERS_WITHIN_MS, answered.signal).then(() => NO_ANSWER),
    ]);
  } finally {
    answered.abort();
  }
}

import { asNumber, asText } from '../json-value.ts';
import type { BootParts } from './boot-parts.ts';
import type { LiveRun } from './live-run.ts';
import type { Handler, Reply } from './reply.ts';
import { agentOf } from './session-views.ts';

/** How long a finished idempotency key is remembered; only in memory, so never across a boot. */
const DEDUPE_MS = 300_000;
const DEFAULT_WAIT_MS = 30_000;

/** Answers twice on one id: accepted, and the end. */
export const handleAgent: Handler = (boot, params, reply) => {
  const runId = String(params['idempotencyKey']);
  const sessionKey = (asText(params['sessionKey']) ?? `agent:main:explicit:${runId}`).toLowerCase();
  const agentId = asText(params['agentId']) ?? agentOf(sessionKey);
  const refusal = refusedAgent(boot, agentId, sessionKey);
  if (refusal !== null) return reply.error({ code: 'INVALID_REQUEST', message: refusal });
  const known = boot.engine.run(runId);
  if (known !== null && isRemembered(boot, known)) return replyKnown(known, reply);

  const session = boot.state.session(sessionKey);
  if (session?.pending.some((item) => item.runId === runId) === true) {
    const message = 'Pending input ownership ended; submit a new turn to continue';
    return reply.error({ code: 'UNAVAILABLE', message });
  }
  const userKey = `${runId}:user`;
  const isFinishedKey = session?.rows.some((row) => row['idempotencyKey'] === userKey) === true;
  const timeout = asNumber(params['timeout']);
  const message = String(params['message']);
  const run = boot.engine.accept({
    runId,
    sessionKey,
    agentId,
    message,
    prompt: message,
    origin: 'agent',
    resumes: null,
    timeoutMs: timeout === null || timeout === 0 ? null : timeout * 1000,
  });
  run.onEnd.add(() => replyKnown(run, reply));
  reply.ok({ runId, sessionKey, agentId, status: 'accepted', acceptedAt: run.acceptedAt });
  if (isFinishedKey) boot.engine.rejectFinishedKey(run);
  else void boot.engine.release(run);
};

/** Answers at the run's end, or after its time with nothing but `timeout`: running and unknown look the same. */
export const handleAgentWait: Handler = async (boot, params, reply) => {
  const runId = String(params['runId']);
  const run = boot.engine.run(runId);
  if (run?.end !== undefined && run.end !== null) return reply.ok(run.end.wait);
  const waiting = Symbol(runId);
  const over = new AbortController();
  const onEnd = (): void => over.abort();
  run?.onEnd.add(onEnd);
  boot.waits.add(waiting);
  const timeoutMs = asNumber(params['timeoutMs']) ?? DEFAULT_WAIT_MS;
  await boot.clock.sleep(timeoutMs, AbortSignal.any([over.signal, boot.ended]));
  boot.waits.delete(waiting);
  run?.onEnd.delete(onEnd);
  if (boot.ended.aborted) return;
  reply.ok(boot.engine.run(runId)?.end?.wait ?? { runId, status: 'timeout' });
};

/** A person's message: steers into a running turn, else starts one that the ledger does not list. */
export const handleChatSend: Handler = (boot, params, reply) => {
  const runId = String(params['idempotencyKey']);
  const sessionKey = String(params['sessionKey']).toLowerCase();
  const known = boot.engine.run(runId);
  if (known !== null)
    return reply.ok({ runId, status: known.phase === 'ended' ? 'ok' : 'in_flight' });
  reply.ok({ runId, status: 'started' });
  if (boot.engine.liveRuns(sessionKey).length > 0) return;
  const message = String(params['message']);
  const run = boot.engine.accept({
    runId,
    sessionKey,
    agentId: agentOf(sessionKey),
    message,
    prompt: message,
    origin: 'chat',
    resumes: null,
    timeoutMs: null,
  });
  void boot.engine.release(run);
};

export const handleAbort: Handler = (boot, params, reply) => {
  const runId = asText(params['runId']);
  const key = asText(params['key'])?.toLowerCase() ?? null;
  const named = runId === null ? null : boot.engine.run(runId);
  const run = runId === null ? (boot.engine.liveRuns(key ?? '')[0] ?? null) : named;
  const isHere = run !== null && run.phase !== 'ended' && (key === null || run.sessionKey === key);
  if (!isHere) return reply.ok({ ok: true, abortedRunId: null, status: 'no-active-run' });
  boot.engine.abort(run);
  reply.ok({ ok: true, abortedRunId: run.runId, status: 'aborted' });
};

function refusedAgent(boot: BootParts, agentId: string, sessionKey: string): string | null {
  if (!boot.agents.has(agentId)) return `invalid agent params: unknown agent id "${agentId}"`;
  if (agentOf(sessionKey) !== agentId) {
    return `The agent-scoped session key belongs to "${agentOf(sessionKey)}", not "${agentId}".`;
  }
  return null;
}

function isRemembered(boot: BootParts, run: LiveRun): boolean {
  return run.phase !== 'ended' || boot.clock.monotonic() - run.endedAtMonotonic < DEDUPE_MS;
}

function replyKnown(run: LiveRun, reply: Reply): void {
  if (run.end === null) {
    const { runId, sessionKey, agentId } = run;
    return reply.ok({ runId, status: 'in_flight', sessionKey, agentId });
  }
  const { ok, payload, error } = run.end.final;
  if (ok) return reply.ok(payload);
  reply.error({ code: 'UNAVAILABLE', message: error ?? 'the run failed' }, payload);
}

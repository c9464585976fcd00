import {
  formatValidationErrors,
  validateAgentParams,
  validateAgentWaitParams,
  validateChatHistoryParams,
  validateChatMessageGetParams,
  validateChatSendParams,
  validateGatewaySuspendPrepareParams,
  validateGatewaySuspendResumeParams,
  validateGatewaySuspendStatusParams,
  validateSessionsAbortParams,
  validateSessionsCreateParams,
  validateSessionsDescribeParams,
  validateSessionsListParams,
  validateTasksListParams,
} from '@openclaw/gateway-protocol';

import { asText } from '../json-value.ts';
import { handleConfigGet, handleConfigPatch } from './config-methods.ts';
import { handleAgent, handleAgentWait, handleChatSend, handleAbort } from './run-methods.ts';
import {
  handleHandoff,
  handlePrepare,
  handleRestart,
  handleResume,
  handleStatus,
} from './control-methods.ts';
import type { BootParts } from './boot-parts.ts';
import type { Handler, Params, Reply } from './reply.ts';
import {
  describeView,
  historyView,
  messageView,
  sessionsView,
  tasksView,
  type ViewSource,
} from './session-views.ts';

interface Method {
  readonly scope: 'operator.read' | 'operator.write' | 'operator.admin';
  readonly validate?: { (params: unknown): boolean; errors?: unknown };
  readonly handle: Handler;
  /** Counts against 30 calls per minute. */
  readonly controlPlane?: true;
  /** Works while the gateway is suspended. */
  readonly whileSuspended?: true;
}

/** The methods that the fake speaks, with scope and validation as in 2026.9.6. */
export const METHODS: Readonly<Record<string, Method | undefined>> = {
  agent: { scope: 'operator.write', validate: validateAgentParams, handle: handleAgent },
  'agent.wait': {
    scope: 'operator.write',
    validate: validateAgentWaitParams,
    handle: handleAgentWait,
  },
  'chat.send': {
    scope: 'operator.write',
    validate: validateChatSendParams,
    handle: handleChatSend,
  },
  'chat.history': {
    scope: 'operator.read',
    validate: validateChatHistoryParams,
    handle: (boot, params, reply) => reply.ok(historyView(source(boot), params)),
  },
  'chat.message.get': {
    scope: 'operator.read',
    validate: validateChatMessageGetParams,
    handle: (boot, params, reply) => reply.ok(messageView(source(boot), params)),
  },
  'sessions.describe': {
    scope: 'operator.read',
    validate: validateSessionsDescribeParams,
    handle: (boot, params, reply) => reply.ok(describeView(source(boot), String(params['key']))),
  },
  'sessions.list': {
    scope: 'operator.read',
    validate: validateSessionsListParams,
    handle: (boot, params, reply) => reply.ok(sessionsView(source(boot), params)),
  },
  'sessions.create': {
    scope: 'operator.write',
    validate: validateSessionsCreateParams,
    handle: createSession,
  },
  'sessions.abort': {
    scope: 'operator.write',
    validate: validateSessionsAbortParams,
    handle: handleAbort,
  },
  'tasks.list': {
    scope: 'operator.read',
    validate: validateTasksListParams,
    handle: (boot, params, reply) => reply.ok(tasksView(source(boot), params)),
  },
  'config.get': { scope: 'operator.read', handle: handleConfigGet },
  'config.patch': { scope: 'operator.admin', handle: handleConfigPatch, controlPlane: true },
  'diagnostics.lanes': { scope: 'operator.read', handle: lanes },
  health: { scope: 'operator.read', handle: health },
  'system.info': { scope: 'operator.read', handle: systemInfo },
  'gateway.suspend.prepare': {
    scope: 'operator.admin',
    validate: validateGatewaySuspendPrepareParams,
    handle: handlePrepare,
    controlPlane: true,
    whileSuspended: true,
  },
  'gateway.suspend.status': {
    scope: 'operator.read',
    validate: validateGatewaySuspendStatusParams,
    handle: handleStatus,
    whileSuspended: true,
  },
  'gateway.suspend.resume': {
    scope: 'operator.admin',
    validate: validateGatewaySuspendResumeParams,
    handle: handleResume,
    whileSuspended: true,
  },
  'gateway.suspend.handoff': {
    scope: 'operator.admin',
    handle: handleHandoff,
    whileSuspended: true,
  },
  'gateway.restart.request': { scope: 'operator.admin', handle: handleRestart, controlPlane: true },
};

/** What strict parameters refuse, in the gateway's words; null when they are fine. */
export function invalidParams(name: string, method: Method, params: unknown): string | null {
  if (method.validate === undefined || method.validate(params)) return null;
  const errors = method.validate.errors as Parameters<typeof formatValidationErrors>[0];
  return `invalid ${name} params: ${formatValidationErrors(errors)}`;
}

function source(boot: BootParts): ViewSource {
  return { state: boot.state, engine: boot.engine, nowMs: boot.clock.now() };
}

function createSession(boot: BootParts, params: Params, reply: Reply): void {
  const key = (
    asText(params['key']) ?? `agent:main:dashboard:${crypto.randomUUID()}`
  ).toLowerCase();
  if (params['message'] !== undefined) {
    return reply.error({
      code: 'INVALID_REQUEST',
      message: 'the fake makes sessions without a message only',
    });
  }
  const session = boot.state.openSession(key, key.split(':')[1] ?? 'main', boot.clock.now());
  reply.ok({
    ok: true,
    key,
    sessionId: session.sessionId,
    entry: {
      sessionId: session.sessionId,
      createdAt: session.createdAt,
      updatedAt: session.updatedAt,
    },
    runStarted: false,
  });
}

function lanes(boot: BootParts, _params: Params, reply: Reply): void {
  const idle = (lane: string, maxConcurrent: number): Params => ({
    lane,
    activeCount: 0,
    queuedCount: 0,
    maxConcurrent,
    draining: false,
    blockedBy: null,
  });
  reply.ok({
    ts: boot.clock.now(),
    lanes: [
      idle('background', 3),
      {
        ...idle('main', boot.settings.lanes),
        activeCount: boot.engine.activeCount(),
        queuedCount: boot.engine.queuedCount(),
      },
      idle('subagent', 8),
    ],
  });
}

function health(boot: BootParts, _params: Params, reply: Reply): void {
  reply.ok({
    ok: true,
    ts: boot.clock.now(),
    eventLoop: loopReport(boot.settings.eventLoopDelayMs),
    agents: [{ agentId: 'main', isDefault: true }],
  });
}

/** A gateway's report of its event loop over the last second: degraded from a second of delay on. */
export function loopReport(delayMs: number): Readonly<Record<string, unknown>> {
  const isLate = delayMs >= 1000;
  return {
    degraded: isLate,
    reasons: isLate ? ['event_loop_delay'] : [],
    intervalMs: 1000,
    delayP99Ms: delayMs,
    delayMaxMs: delayMs,
    utilization: 0.05,
    cpuCoreRatio: 0.02,
  };
}

function systemInfo(boot: BootParts, _params: Params, reply: Reply): void {
  reply.ok({
    pid: boot.process.pid,
    processInstanceId: boot.process.instanceId,
    platform: process.platform,
    uptimeMs: boot.uptimeMs(),
    nodeVersion: process.version,
    eventLoop: loopReport(boot.settings.eventLoopDelayMs),
  });
}

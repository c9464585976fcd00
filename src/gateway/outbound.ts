import {
  formatValidationErrors,
  validateAgentParams,
  validateAgentWaitParams,
  validateChatHistoryParams,
  validateChatMessageGetParams,
  validateGatewaySuspendPrepareParams,
  validateGatewaySuspendResumeParams,
  validateGatewaySuspendStatusParams,
  validateSessionsAbortParams,
  validateSessionsCreateParams,
  validateSessionsDescribeParams,
  validateSessionsListParams,
  validateTasksListParams,
} from '@openclaw/gateway-protocol';

import { GatewayCallError } from './gateway-call-error.ts';
import type { JsonRecord } from './json-value.ts';

type Validator = { (params: unknown): boolean; errors?: unknown };

/** Methods that the protocol package has no validator for take few parameters, all made here. */
const VALIDATORS: Readonly<Record<string, Validator | undefined>> = {
  agent: validateAgentParams as Validator,
  'agent.wait': validateAgentWaitParams as Validator,
  'chat.history': validateChatHistoryParams as Validator,
  'chat.message.get': validateChatMessageGetParams as Validator,
  'sessions.abort': validateSessionsAbortParams as Validator,
  'sessions.create': validateSessionsCreateParams as Validator,
  'sessions.describe': validateSessionsDescribeParams as Validator,
  'sessions.list': validateSessionsListParams as Validator,
  'tasks.list': validateTasksListParams as Validator,
  'gateway.suspend.prepare': validateGatewaySuspendPrepareParams as Validator,
  'gateway.suspend.status': validateGatewaySuspendStatusParams as Validator,
  'gateway.suspend.resume': validateGatewaySuspendResumeParams as Validator,
};

/**
 * Refuses parameters that the protocol would refuse, before anything is sent (code INVALID_PARAMS). What is
 * received is never validated this way: the schemas are closed and real gateways send more.
 */
export function checkOutbound(method: string, params: JsonRecord): void {
  const validate = VALIDATORS[method];
  if (validate === undefined || validate(params)) return;
  const errors = validate.errors as Parameters<typeof formatValidationErrors>[0];
  throw new GatewayCallError({
    method,
    code: 'INVALID_PARAMS',
    message: formatValidationErrors(errors),
    outcome: 'refused',
  });
}

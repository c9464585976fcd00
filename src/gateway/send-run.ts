import { badAnswer, refusalReason } from './call-outcome.ts';
import type { RunRequest, SendResult } from './connection.ts';
import type { GatewayCall } from './gateway-calls.ts';
import { GatewayCallError } from './gateway-call-error.ts';
import { asRecord, asText, isRecord } from './json-value.ts';
import { traceparentOf } from './traceparent.ts';
import { MAX_FRAME_BYTES } from './wire-client.ts';

/** Room for everything in a frame that is not the message. */
const FRAME_OVERHEAD_BYTES = 65_536;

/**
 * Sends the `agent` request of a run. The idempotency key is the run id, which the gateway dedupes within its boot;
 * the answer counts only when it is about this run id. The second response of the gateway (at the run's end) is
 * left to `followRun` and `look`.
 */
export async function sendRun(call: GatewayCall, request: RunRequest): Promise<SendResult> {
  const tooLarge = tooLargeOf(request.message);
  if (tooLarge !== null) return tooLarge;
  try {
    const answer = await call({
      method: 'agent',
      params: {
        sessionKey: request.sessionKey.toLowerCase(),
        agentId: request.agentId,
        message: request.message,
        idempotencyKey: request.runId,
        timeout: request.timeoutSeconds,
        deliver: false,
      },
      permit: request.permit,
      bootId: request.bootId,
      traceparent: traceparentOf(request.correlationId, request.runId),
    });
    return readSendAnswer(answer, request.runId);
  } catch (error) {
    if (error instanceof GatewayCallError) return refusalOf(error);
    throw error;
  }
}

function readSendAnswer(answer: unknown, runId: string): SendResult {
  const record = asRecord(answer);
  const status = asText(record['status']);
  if (!isRecord(answer) || record['runId'] !== runId || status === null) {
    throw badAnswer('agent', 'this run and its status');
  }
  switch (status) {
    case 'accepted':
      return { kind: 'accepted' };
    case 'in_flight':
    case 'ok':
    case 'error':
    case 'timeout':
      return { kind: 'in-flight' };
    default:
      throw badAnswer('agent', 'a status of the protocol');
  }
}

/** A refusal of the gateway is a result; everything that it did not answer itself stays an error. */
function refusalOf(error: GatewayCallError): SendResult {
  const busy = refusalReason(error);
  if (busy !== null) {
    return {
      kind: 'refused',
      reason: busy,
      message: error.message,
      retryable: true,
      retryAfterMs: error.retryAfterMs,
    };
  }
  const isAnswer = error.code === 'INVALID_REQUEST' || error.code === 'INVALID_PARAMS';
  if (!isAnswer && error.code !== 'FORBIDDEN' && error.code !== 'NOT_PAIRED') throw error;
  return {
    kind: 'refused',
    reason: isAnswer ? 'invalid' : 'forbidden',
    message: error.message,
    retryable: false,
    retryAfterMs: null,
  };
}

function tooLargeOf(message: string): SendResult | null {
  const bytes = Buffer.byteLength(JSON.stringify(message));
  if (bytes + FRAME_OVERHEAD_BYTES <= MAX_FRAME_BYTES) return null;
  return {
    kind: 'refused',
    reason: 'invalid',
    message: `the message has ${bytes} bytes, a gateway takes frames of ${MAX_FRAME_BYTES} bytes; shorten it`,
    retryable: false,
    retryAfterMs: null,
  };
}

import { asRecord, asText } from './json-value.ts';

/**
 * What became of a call that did not answer as it should.
 * - `refused`: the gateway provably never started it, or the frame was never written. Repeating is safe.
 * - `unknown`: the frame may have left and nothing says what the gateway did with it. Look before anything else.
 */
export type CallOutcome = 'refused' | 'unknown';

/**
 * The one error of every call to a gateway. Never carries the token or the parameters of the call.
 * Branch on `outcome`, `code`, `detailsCode`, `reason`; the message is for people.
 */
export class GatewayCallError extends Error {
  override readonly name = 'GatewayCallError';
  readonly method: string;
  /**
   * The gateway's own code (INVALID_REQUEST, FORBIDDEN, UNAVAILABLE, NOT_PAIRED…), or one made on this side:
   * - `NOT_CONNECTED`: no open connection, nothing was sent (`refused`).
   * - `BLOCKED`: the connection waits for a person, nothing was sent (`refused`).
   * - `OTHER_BOOT`: the gateway restarted since the caller looked, nothing was sent (`refused`).
   * - `INVALID_PARAMS`: the protocol's own validator rejects the parameters, nothing was sent (`refused`).
   * - `TIMED_OUT`, `CONNECTION_LOST`: no answer arrived (`unknown`).
   * - `BAD_ANSWER`: an answer arrived that has not the shape the protocol promises (`unknown`).
   */
  readonly code: string;
  /** `details` of the gateway's error as it came; null when it sent none. */
  readonly details: unknown;
  /** `details.code`, when there is one. */
  readonly detailsCode: string | null;
  /** `details.reason`, when there is one (`gateway-suspending`…). */
  readonly reason: string | null;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly outcome: CallOutcome;

  constructor(options: {
    readonly method: string;
    readonly code: string;
    readonly message: string;
    readonly outcome: CallOutcome;
    readonly details?: unknown;
    readonly retryable?: boolean;
    readonly retryAfterMs?: number | null;
    readonly cause?: unknown;
  }) {
    super(`${options.method}: ${options.message}`, { cause: options.cause });
    this.method = options.method;
    this.code = options.code;
    this.details = options.details ?? null;
    const details = asRecord(options.details);
    this.detailsCode = asText(details['code']);
    this.reason = asText(details['reason']);
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.outcome = options.outcome;
  }
}

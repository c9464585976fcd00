import type { BootParts } from './boot-parts.ts';

export type Params = Readonly<Record<string, unknown>>;

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/** Answers of one request; a method may answer more than once (`agent` does). */
export interface Reply {
  ok(payload: unknown): void;
  error(error: WireError, payload?: unknown): void;
}

export type Handler = (boot: BootParts, params: Params, reply: Reply) => void | Promise<void>;

/**
 * Ways in which a gateway, or the network before it, can fail a request. The request counts as received; what
 * becomes of it:
 * - `drop-before`: the socket is cut before the request takes effect.
 * - `drop-after`: it takes effect, the socket is cut before the answer.
 * - `ignore`: no effect, no answer.
 * - `silence`: it takes effect, no answer ever.
 * - `null`, `null-error`: an answer whose payload or error is null.
 * - `garbage`: text that is not JSON instead of the answer.
 * - `double`: every answer twice.
 * - `half-frame`: the socket is cut in the middle of the answer's frame.
 */
export type Misbehaviour =
  | 'drop-before'
  | 'drop-after'
  | 'ignore'
  | 'silence'
  | 'null'
  | 'null-error'
  | 'garbage'
  | 'double'
  | 'half-frame';

export interface SeenRequest {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** How often this boot has seen the method, from 1. */
  readonly nth: number;
}

/** Chooses the misbehaviour of a request; undefined: none. */
export type Misbehave = (request: SeenRequest) => Misbehaviour | undefined;

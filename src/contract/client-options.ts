/** What a client needs from its surroundings: nothing is taken from globals. */
export interface ClientOptions {
  /** Where the API answers, without `/api/v1`: `http://127.0.0.1:7410`. */
  readonly baseUrl: string;
  /** undefined: only the open routes answer. */
  readonly apiKey: string | undefined;
  readonly fetch: typeof fetch;
  /** Waits between reconnects of `events`; resolves early when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** 0 to 1; spreads reconnects. */
  readonly random: () => number;
}

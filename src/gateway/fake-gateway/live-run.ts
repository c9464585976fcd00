/** A run that this boot of the fake knows: queued, executing, or ended and still remembered. */
export interface LiveRun {
  readonly runId: string;
  readonly sessionKey: string;
  readonly agentId: string;
  readonly sessionId: string;
  /** The input as it goes into the transcript. */
  readonly message: string;
  /** The words that decide the turn: the message, or those of the turn that a recovery resumes. */
  readonly prompt: string;
  /** A person's `chat.send` leaves no row in the ledger. */
  readonly origin: 'agent' | 'chat' | 'recovery';
  readonly resumes: string | null;
  readonly timeoutMs: number | null;
  readonly acceptedAt: number;
  /** Aborts when the run is aborted, timed out, or its boot ends. */
  readonly stop: AbortController;
  phase: 'queued' | 'executing' | 'ended';
  startedAt: number | null;
  /** Of its model calls that have ended. */
  outputTokens: number;
  /** The number of its latest event. */
  seq: number;
  end: RunEnd | null;
  endedAtMonotonic: number;
  /** Called once with the end: the second frame of `agent`, and every `agent.wait`. */
  readonly onEnd: Set<(end: RunEnd) => void>;
}

/** How a run ended, as the two kinds of answers tell it. */
export interface RunEnd {
  readonly outcome: 'done' | 'failed' | 'aborted' | 'timed-out';
  readonly endedAt: number;
  /** Payload of `agent.wait`. */
  readonly wait: Readonly<Record<string, unknown>>;
  /** The second response of `agent`: ok and payload, or ok false with the error's words. */
  readonly final: {
    readonly ok: boolean;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly error: string | null;
  };
}

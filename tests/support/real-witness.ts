/** What a real gateway and its model say themselves about a run, apart from what Dash believes. */
import { readRow, type TranscriptRow } from '../../src/gateway/transcript.ts';
import { systemClock, type Clock } from '../../src/platform/clock.ts';
import type { StubModel, StubRequest } from '../../src/gateway/stub-model.ts';
import { eventually } from './eventually.ts';
import { RawGatewayClient } from './raw-gateway-client.ts';

/** A model's clock that lets it answer when the test says so: no answer depends on how busy the machine is. */
export interface ModelGates {
  readonly clock: Clock;
  /** In a prompt: the model waits with its answer until this gate is open. */
  behind(gate: number): string;
  /** For good: whoever waits behind it goes on, and whoever comes later does not wait. */
  open(gate: number): void;
}

export function modelGates(): ModelGates {
  const gates = new Map<number, PromiseWithResolvers<void>>();
  const gateOf = (gate: number): PromiseWithResolvers<void> => {
    const known = gates.get(gate) ?? Promise.withResolvers<void>();
    gates.set(gate, known);
    return known;
  };
  return {
    clock: {
      ...systemClock(),
      sleep: async (gate, signal) => {
        if (signal?.aborted === true) return;
        const aborted = Promise.withResolvers<void>();
        signal?.addEventListener('abort', () => aborted.resolve(), { once: true });
        await Promise.race([gateOf(gate).promise, aborted.promise]);
      },
    },
    behind: (gate) => `[[sleep:${gate}]]`,
    open: (gate) => gateOf(gate).resolve(),
  };
}

/** The calls of the model with this word in the prompt, oldest first. */
export function callsOf(model: StubModel, marker: string): StubRequest[] {
  return model.requests().filter(({ prompt }) => prompt.includes(marker));
}

/** Waits until the model has been asked for this and has not answered: the turn is under way. */
export async function inMidRun(model: StubModel, marker: string): Promise<void> {
  await eventually(() => callsOf(model, marker).at(-1)?.outcome === 'answering', {
    timeoutMs: 60_000,
    what: `the model to be asked for ${marker}`,
  });
}

/** The greatest number of calls that waited for their answer at the same moment. */
export function maxOverlap(calls: readonly StubRequest[]): number {
  const overlaps = calls.map(
    ({ atMs }) =>
      calls.filter((other) => other.atMs <= atMs && (other.endedAtMs ?? Infinity) > atMs).length,
  );
  return Math.max(0, ...overlaps);
}

/** What the gateway's own transcript of a session holds. */
export interface Transcript {
  /** Runs that were asked for from outside, oldest first. */
  readonly asked: readonly string[];
  /** Runs in which the gateway itself resumed an interrupted turn. */
  readonly resumed: readonly string[];
  /** Answers that a turn ended with. */
  readonly answers: readonly string[];
}

export async function readTranscript(
  gateway: { readonly endpoint: string; readonly token: string },
  sessionKey: string,
): Promise<Transcript> {
  const client = await RawGatewayClient.connect(gateway.endpoint, gateway.token);
  try {
    const { payload, error } = await client.call('chat.history', { sessionKey, limit: 200 });
    if (!Array.isArray(payload?.['messages'])) throw new Error(error?.message ?? 'no transcript');
    const rows = payload['messages'].map(readRow);
    const inputs = rows.filter(({ role }) => role === 'user');
    const runsOf = (these: readonly TranscriptRow[]): string[] =>
      these.map(({ runId }) => runId ?? '');
    return {
      asked: runsOf(inputs.filter((row) => !row.isRecoveryInput)),
      resumed: runsOf(inputs.filter((row) => row.isRecoveryInput)),
      answers: rows
        .filter(({ role, stopReason }) => role === 'assistant' && stopReason === 'stop')
        .map(({ text }) => text),
    };
  } finally {
    await client.close();
  }
}

/** What a real gateway and its model say themselves about a run, apart from what Dash believes. */
import { readRow, type TranscriptRow } from '../../src/gateway/transcript.ts';
import { systemClock, type Clock } from '../../src/platform/clock.ts';
import type { StubModel, StubRequest } from '../../src/gateway/stub-model.ts';
import { eventually } from './eventually.ts';
import { RawGatewayClient } from './raw-gateway-client.ts';

/**
 * A model's clock that lets it answer when the test says so: no answer depends on how busy the machine is. Times that
 * are no gate's number are slept.
 */
export interface ModelGates {
  readonly clock: Clock;
  /** In a prompt: the model waits with its answer until the gate of this name is open. */
  behind(gate: string): string;
  /** For good: whoever waits behind it goes on, and whoever comes later does not wait. */
  open(gate: string): void;
}

export function modelGates(): ModelGates {
  /** A gate's place in this list is the time that the model is told to sleep. */
  const gates: { readonly name: string; readonly opened: PromiseWithResolvers<void> }[] = [];
  const numberOf = (name: string): number => {
    const known = gates.findIndex((gate) => gate.name === name);
    return known < 0 ? gates.push({ name, opened: Promise.withResolvers() }) : known + 1;
  };
  const gateOf = (number: number): PromiseWithResolvers<void> | undefined =>
    gates[number - 1]?.opened;
  return {
    clock: {
      ...systemClock(),
      sleep: async (number, signal) => {
        if (signal?.aborted === true) return;
        if (gateOf(number) === undefined) return systemClock().sleep(number, signal);
        const aborted = Promise.withResolvers<void>();
        signal?.addEventListener('abort', () => aborted.resolve(), { once: true });
        await Promise.race([gateOf(number)?.promise, aborted.promise]);
      },
    },
    behind: (gate) => `[[sleep:${numberOf(gate)}]]`,
    open: (gate) => gateOf(numberOf(gate))?.resolve(),
  };
}

/** The calls of the model with this word in the prompt, oldest first. */
export function callsOf(model: StubModel, marker: string): StubRequest[] {
  return model.requests().filter(({ prompt }) => prompt.includes(marker));
}

/** Waits until the model has been asked for this and has not answered: the turn is under way. */
export async function inMidRun(model: StubModel, marker: string): Promise<void> {
  await oneInMidRun(model, [marker]);
}

/**
 * Waits until the model has been asked for one of these and has not answered; says for which. After a crash OpenClaw
 * 2026.9.6 resumes one turn at a time: the next one when the one before it has ended.
 */
export async function oneInMidRun(model: StubModel, markers: readonly string[]): Promise<string> {
  return eventually(
    () => markers.find((marker) => callsOf(model, marker).at(-1)?.outcome === 'answering'),
    { timeoutMs: 120_000, what: `the model to be asked for ${markers.join(' or ')}` },
  );
}

/** The greatest number of calls that waited for their answer at the same moment, 1 for a call alone however short. */
export function maxOverlap(calls: readonly StubRequest[]): number {
  const overlaps = calls.map(
    (call) => calls.filter((other) => other === call || isUnderWay(other, call.atMs)).length,
  );
  return Math.max(0, ...overlaps);
}

function isUnderWay({ atMs, endedAtMs }: StubRequest, momentMs: number): boolean {
  return atMs <= momentMs && (endedAtMs ?? Infinity) > momentMs;
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

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

/** What the checker uses of a gateway's wire log: turns that began and ended, boots, and what was asked of it. */
export type Seen = SeenRun | SeenBoot | SeenRequest;

export interface SeenRun {
  readonly kind: 'run-start' | 'run-end';
  readonly atMs: number;
  readonly runId: string;
  readonly sessionKey: string;
  /** The interrupted run that the gateway itself resumes by this one. */
  readonly resumes: string | null;
  /** Of a `run-end`. */
  readonly outcome?: 'done' | 'failed' | 'aborted' | 'timed-out' | 'interrupted';
}

export interface SeenBoot {
  readonly kind: 'boot';
  readonly atMs: number;
  /** The last entry of the boot before: whatever executed then is known to have lived until here. */
  readonly lastSignOfLifeMs: number;
}

/** An `agent` request: Dash sends a turn. */
export interface SeenRequest {
  readonly kind: 'request';
  readonly atMs: number;
  readonly runId: string;
  readonly sessionKey: string;
  readonly message: string;
}

export interface Witness {
  readonly gatewayId: string;
  readonly lanes: number;
  /** Reads what was written since the last look, and answers everything in the order of the log. */
  look(): readonly Seen[];
  /** Turns that had ended by the last look. */
  endedCount(): number;
  /** Brings what the gateway only tells when it is asked; throws when it is away. */
  refresh(): Promise<void>;
}

const CHUNK_BYTES = 1 << 20;

/** Reads the wire log of one gateway while the gateway writes it, over any number of its lives. */
export function openWitness(options: {
  readonly gatewayId: string;
  readonly lanes: number;
  readonly path: string;
}): Witness {
  const seen: Seen[] = [];
  let offset = 0;
  let rest = Buffer.alloc(0);
  let lastAtMs = 0;
  let ends = 0;
  const take = (line: string): void => {
    const passedMs = momentOfOther(line);
    if (passedMs !== null) {
      lastAtMs = passedMs;
      return;
    }
    const entry = parseEntry(line);
    if (entry === null) return;
    const known = seenOf(entry, lastAtMs);
    lastAtMs = entry.atMs;
    if (known?.kind === 'run-end') ends += 1;
    if (known !== null) seen.push(known);
  };
  return {
    gatewayId: options.gatewayId,
    lanes: options.lanes,
    endedCount: () => ends,
    refresh: async () => undefined,
    look() {
      if (!existsSync(options.path)) return seen;
      const file = openSync(options.path, 'r');
      try {
        const { size } = fstatSync(file);
        while (offset < size) {
          const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - offset));
          offset += readSync(file, chunk, 0, chunk.length, offset);
          rest = Buffer.concat([rest, chunk]);
          const end = rest.lastIndexOf(0x0a);
          if (end < 0) continue;
          for (const line of rest.subarray(0, end).toString('utf8').split('\n')) take(line);
          rest = Buffer.from(rest.subarray(end + 1));
        }
      } finally {
        closeSync(file);
      }
      return seen;
    },
  };
}

const FRAME = /^\{"kind":"frame","atMs":(\d+),/;

/** The moment of a frame that is no request of a turn, which most lines are: they need not be parsed. */
function momentOfOther(line: string): number | null {
  const atMs = FRAME.exec(line)?.[1];
  if (atMs === undefined || line.includes('"method":"agent"')) return null;
  return line.lastIndexOf('{"kind":"') === 0 ? Number(atMs) : null;
}

type Entry = Readonly<Record<string, unknown>> & { readonly kind: string; readonly atMs: number };

/**
 * One line of the log. A kill in the middle of a write leaves half an entry, and the next boot writes behind it in
 * the same line: the whole entry at its end counts.
 */
function parseEntry(line: string): Entry | null {
  for (const text of [line, line.slice(Math.max(0, line.lastIndexOf('{"kind":"')))]) {
    try {
      const entry = JSON.parse(text) as Partial<Entry> | null;
      if (typeof entry?.kind === 'string' && typeof entry.atMs === 'number') return entry as Entry;
    } catch {
      continue;
    }
  }
  return null;
}

function seenOf(entry: Entry, lastAtMs: number): Seen | null {
  switch (entry.kind) {
    case 'run-start':
    case 'run-end':
      return entry as unknown as SeenRun;
    case 'boot':
      return { kind: 'boot', atMs: entry.atMs, lastSignOfLifeMs: lastAtMs };
    case 'frame':
      return requestOf(entry);
    default:
      return null;
  }
}

function requestOf(entry: Entry): SeenRequest | null {
  const frame = entry['frame'] as Readonly<Record<string, unknown>> | null | undefined;
  if (entry['direction'] !== 'in' || frame?.['type'] !== 'req' || frame['method'] !== 'agent') {
    return null;
  }
  const params = frame['params'] as Readonly<Record<string, unknown>>;
  return {
    kind: 'request',
    atMs: entry.atMs,
    runId: String(params['idempotencyKey']),
    sessionKey: String(params['sessionKey']).toLowerCase(),
    message: String(params['message']),
  };
}

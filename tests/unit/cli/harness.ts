import { COMMANDS } from '../../../cli/commands.ts';
import type { ExitCode } from '../../../cli/exit-codes.ts';
import { runCli } from '../../../cli/run-cli.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { systemClock } from '../../../src/platform/clock.ts';

export interface CliRun {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the API was asked, and what it answers: `[status, body]`, or a thrown transport error. */
export type Answerer = (request: {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: Headers;
  readonly body: unknown;
}) => readonly [number, unknown] | Response;

/** Calls `dashctl` in this process, its API played by `answer`; events are never sent. */
export async function dashctl(
  argv: readonly string[],
  options: {
    answer?: Answerer;
    env?: Record<string, string>;
    stdin?: string;
    terminal?: boolean;
    signal?: AbortSignal;
    dataDir?: string;
    cwd?: string;
  } = {},
): Promise<CliRun> {
  let stdout = '';
  let stderr = '';
  const exitCode = await runCli(
    {
      argv,
      version: '1.2.3',
      env: options.env ?? { DASH_API_KEY: 'dash_test' },
      cwd: options.cwd ?? '/tmp',
      stdin: stdinOf(options.stdin),
      stdout: {
        write: (text: string) => void (stdout += text),
        isTTY: options.terminal,
        columns: 100,
      },
      stderr: {
        write: (text: string) => void (stderr += text),
        isTTY: options.terminal,
        columns: 100,
      },
      clock: systemClock(),
      random: () => 0.5,
      randomId: () => 'random-id',
      fetch: playedBy(options.answer ?? (() => [404, {}])),
      signal: options.signal ?? new AbortController().signal,
      loadConfig: async (flags) =>
        loadConfig({ env: options.env ?? {}, flags, baseDir: options.dataDir ?? '/nonexistent' }),
    },
    { commands: COMMANDS },
  );
  return { exitCode, stdout, stderr };
}

/** A problem document as the API writes it. */
export function problem(
  status: number,
  code: string,
  detail: string,
  details: unknown = null,
): readonly [number, unknown] {
  const retryable = status === 429 || status === 503;
  return [
    status,
    {
      type: `/docs/errors/${code}`,
      title: code,
      status,
      detail,
      instance: '/x',
      code,
      retryable,
      requestId: 'req-1',
      details,
    },
  ];
}

function stdinOf(text: string | undefined) {
  const source = (async function* () {
    if (text !== undefined) yield text;
  })();
  return Object.assign(source, { isTTY: text === undefined });
}

function playedBy(answer: Answerer): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    init?.signal?.throwIfAborted();
    if (url.pathname === '/api/v1/events') {
      return silentStream(init?.signal ?? undefined);
    }
    const answered = answer({
      method: init?.method ?? 'GET',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: new Headers(init?.headers),
      body: typeof init?.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
    });
    if (answered instanceof Response) return answered;
    const [status, body] = answered;
    return Response.json(body, { status });
  };
}

/** An event stream on which nothing ever happens. */
function silentStream(signal: AbortSignal | undefined): Response {
  const body = new ReadableStream({
    start: (controller) => signal?.addEventListener('abort', () => controller.error(signal.reason)),
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

const now = '2026-11-22T15:00:00.000Z';

/** A task as the API shows it. */
export function taskDto(overrides: Record<string, unknown> = {}) {
  return {
    id: 'task-1',
    seq: 7,
    tenant: 'default',
    pool: 'default',
    session: null,
    agent: 'main',
    priority: 'normal',
    effectivePriority: 'normal',
    state: 'queued',
    stateReason: null,
    dueAt: null,
    queueExpiresAt: null,
    deadlineAt: null,
    runLimitSeconds: 3600,
    maxAttempts: 3,
    attempts: 0,
    idempotent: false,
    pinnedGateway: null,
    swarmId: null,
    nodeId: null,
    replayOf: null,
    scheduleId: null,
    workflowId: 'task/task-1',
    cancelRequested: null,
    correlationId: 'req-1',
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
    prompt: 'Say hello',
    output: null,
    usage: null,
    failure: null,
    ...overrides,
  };
}

/** An attempt as the API shows it. */
export function attemptDto(overrides: Record<string, unknown> = {}) {
  return {
    id: '7f0c1f9e-0000-4000-8000-000000000001',
    number: 1,
    gatewayId: 'local-1',
    state: 'closed',
    holdsLane: false,
    runIds: ['task-1-a1'],
    recoveryRunIds: [],
    outcome: 'succeeded',
    failure: null,
    indeterminateReason: null,
    evidence: null,
    usage: null,
    route: {},
    plannedAt: now,
    sendingAt: now,
    acceptedAt: now,
    indeterminateAt: null,
    closedAt: '2026-11-22T15:00:03.000Z',
    ...overrides,
  };
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Clock } from '../platform/clock.ts';
import { stubAnswer } from './stub-answer.ts';
import { promptOf, readDirectives, toolResultsOf, type Directives } from './stub-prompt.ts';
import { asRecord, isRecord } from './json-value.ts';

export interface StubModelOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly clock: Clock;
}

/** One call of the model, as a test asks for it. */
export interface StubRequest {
  readonly atMs: number;
  /** When the answer ended or the caller went away; null: it waits still. */
  readonly endedAtMs: number | null;
  readonly prompt: string;
  /** The key that the caller sent, without `Bearer `; empty when none. */
  readonly apiKey: string;
  readonly outcome: 'answering' | 'answered' | 'refused' | 'dropped' | 'abandoned';
}

export interface StubModel {
  readonly port: number;
  /** For a provider of the kind `openai-compatible`: `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  requests(): readonly StubRequest[];
  /** How often the model was called with these words in its prompt. */
  calls(marker: string): number;
  /** Calls that wait for their answer now. */
  inFlight(): number;
  close(): Promise<void>;
}

type MutableRequest = { -readonly [Key in keyof StubRequest]: StubRequest[Key] };

const MODEL_ID = 'stub-1';
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/**
 * Stands in for a model provider when nobody gave a key: speaks the streaming part of the OpenAI chat API on
 * loopback, always gives the same answer to the same prompt, and says in the answer that it is a stub. Directives
 * in a prompt (`stub-prompt.ts`) make it slow, fail or hang, for tests.
 */
export async function startStubModel(options: StubModelOptions): Promise<StubModel> {
  const calls: MutableRequest[] = [];
  const closing = new AbortController();
  const server = createServer((request, response) => {
    void serve(request, response, { calls, clock: options.clock, closing: closing.signal }).catch(
      () => response.destroy(),
    );
  });
  const port = await listen(server, options.port ?? 0);
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests: () => calls.map((call) => ({ ...call })),
    calls: (marker) => calls.filter((call) => call.prompt.includes(marker)).length,
    inFlight: () => calls.filter((call) => call.outcome === 'answering').length,
    close: async () => {
      closing.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Context {
  readonly calls: MutableRequest[];
  readonly clock: Clock;
  readonly closing: AbortSignal;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  context: Context,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (request.method === 'GET' && path.endsWith('/models')) {
    return json(response, 200, { object: 'list', data: [{ id: MODEL_ID, object: 'model' }] });
  }
  if (request.method !== 'POST' || !path.endsWith('/chat/completions')) {
    return json(response, 404, { error: { message: `the stub model has no ${path}` } });
  }
  const body = await readBody(request);
  if (!isRecord(body)) {
    return json(response, 400, { error: { message: 'the body is not a JSON object' } });
  }
  const prompt = promptOf(body['messages']);
  const call: MutableRequest = {
    atMs: context.clock.now(),
    endedAtMs: null,
    prompt,
    apiKey: (request.headers.authorization ?? '').replace(/^Bearer /i, ''),
    outcome: 'answering',
  };
  context.calls.push(call);
  const gone = new AbortController();
  response.on('close', () => {
    if (call.outcome === 'answering') call.outcome = 'abandoned';
    call.endedAtMs = context.clock.now();
    gone.abort();
  });
  await answer(response, body, readDirectives(prompt), call, {
    ...context,
    closing: AbortSignal.any([context.closing, gone.signal]),
  });
}

async function answer(
  response: ServerResponse,
  body: Readonly<Record<string, unknown>>,
  directives: Directives,
  call: MutableRequest,
  { clock, closing }: Context,
): Promise<void> {
  if (directives.status !== null) {
    call.outcome = 'refused';
    const retry = directives.status === 429 ? { 'retry-after': '1' } : {};
    const message = `stub error ${directives.status}`;
    return json(response, directives.status, { error: { message, type: 'stub_error' } }, retry);
  }
  if (directives.hang) return;
  if (directives.sleepMs > 0) await clock.sleep(directives.sleepMs, closing);
  if (closing.aborted) return;
  const text = directives.say ?? stubAnswer(call.prompt);
  const callsTool = toolResultsOf(body['messages']) < directives.calls - 1;
  const completion = callsTool
    ? toolCallOf(body, call.prompt)
    : completionOf(body, call.prompt, text);
  if (body['stream'] !== true) {
    call.outcome = 'answered';
    return json(response, 200, completion.whole);
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for (const chunk of completion.chunks) {
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    if (!directives.drop) continue;
    call.outcome = 'dropped';
    response.destroy();
    return;
  }
  call.outcome = 'answered';
  response.end('data: [DONE]\n\n');
}

interface Completion {
  readonly whole: unknown;
  readonly chunks: readonly unknown[];
}

function completionOf(
  body: Readonly<Record<string, unknown>>,
  prompt: string,
  text: string,
): Completion {
  return completionWith(body, {
    prompt,
    completionTokens: tokens(text),
    finish: 'stop',
    message: { role: 'assistant', content: text },
    deltas: [{ role: 'assistant', content: '' }, ...pieces(text).map((content) => ({ content }))],
  });
}

function completionWith(
  body: Readonly<Record<string, unknown>>,
  said: {
    readonly prompt: string;
    readonly completionTokens: number;
    readonly finish: 'stop' | 'tool_calls';
    readonly message: unknown;
    readonly deltas: readonly unknown[];
  },
): Completion {
  const { completionTokens, finish, message, deltas } = said;
  const common = { id: 'chatcmpl-stub', created: 0, model: body['model'] ?? MODEL_ID };
  const promptTokens = tokens(said.prompt);
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const chunk = (delta: unknown, finishReason: string | null): unknown => ({
    ...common,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
  return {
    whole: {
      ...common,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: finish }],
      usage,
    },
    chunks: [
      ...deltas.map((delta) => chunk(delta, null)),
      chunk({}, finish),
      { ...common, object: 'chat.completion.chunk', choices: [], usage },
    ],
  };
}

/** Asks for a tool, so that the turn goes on with another call of the model. */
function toolCallOf(body: Readonly<Record<string, unknown>>, prompt: string): Completion {
  const id = `call-${toolResultsOf(body['messages']) + 1}`;
  const call = { id, type: 'function', function: { name: 'session_status', arguments: '{}' } };
  return completionWith(body, {
    prompt,
    completionTokens: TOOL_CALL_TOKENS,
    finish: 'tool_calls',
    message: { role: 'assistant', content: null, tool_calls: [call] },
    deltas: [{ role: 'assistant', content: '' }, { tool_calls: [{ index: 0, ...call }] }],
  });
}

const TOOL_CALL_TOKENS = 5;

/** At most this many pieces, so that a long answer does not become thousands of events. */
const MAX_PIECES = 20;

function pieces(text: string): string[] {
  const size = Math.max(1, Math.ceil(text.length / MAX_PIECES));
  const found: string[] = [];
  for (let start = 0; start < text.length; start += size)
    found.push(text.slice(start, start + size));
  return found;
}

/** Words stand for tokens: the same prompt always costs the same. */
function tokens(text: string): number {
  return Math.max(1, text.split(/\s+/).filter((word) => word !== '').length);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) return null;
    parts.push(part);
  }
  try {
    return asRecord(JSON.parse(Buffer.concat(parts).toString('utf8')));
  } catch {
    return null;
  }
}

function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return (server.address() as AddressInfo).port;
}

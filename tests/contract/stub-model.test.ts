import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { probeReady } from '../../src/gateway/probe-ready.ts';
import { startStubModel, type StubModel } from '../../src/gateway/stub-model.ts';
import { choosePort } from '../../src/local/free-port.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';

describe('the stub model', () => {
  let stub: StubModel;

  beforeEach(async () => {
    stub = await startStubModel({ clock: systemClock() });
  });
  afterEach(() => stub.close());

  const ask = (prompt: string, more: object = {}, signal?: AbortSignal): Promise<Response> =>
    fetch(`${stub.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer the-key' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: prompt }], ...more }),
      ...(signal === undefined ? {} : { signal }),
    });

  test('streams its answer in pieces and ends with the usage (R26)', async () => {
    const text = await (await ask('hello [[say:one two three]]', { stream: true })).text();
    const events = text
      .trim()
      .split('\n\n')
      .map((line) => line.replace(/^data: /, ''));
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events
      .slice(0, -1)
      .map(
        (event) =>
          JSON.parse(event) as { choices: { delta: { content?: string } }[]; usage?: object },
      );
    const said = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ''));
    expect(said.join('')).toBe('one two three');
    expect(said.filter((piece) => piece !== '').length).toBeGreaterThan(1);
    expect(chunks.at(-1)?.usage).toEqual({
      prompt_tokens: 4,
      completion_tokens: 3,
      total_tokens: 7,
    });
  });

  test('answers whole when nobody wants a stream, and the same to the same prompt (R26)', async () => {
    const answers = await Promise.all(
      [ask('tell me'), ask('tell me')].map(async (answer) => (await answer).text()),
    );
    expect(answers[0]).toBe(answers[1]);
    expect(answers[0]).toContain('stub model, no real model was asked');
  });

  test('counts its calls by the words of the prompt, with the key that came (R26)', async () => {
    await (await ask('marker-7 go')).text();
    await (await ask('marker-8 go')).text();
    expect([stub.calls('marker-7'), stub.calls('go'), stub.calls('other')]).toEqual([1, 2, 0]);
    expect(stub.requests()[0]).toMatchObject({
      apiKey: 'the-key',
      outcome: 'answered',
      prompt: 'marker-7 go',
    });
  });

  test.each([400, 401, 429, 503])('refuses with %d when told to (R7)', async (status) => {
    const answer = await ask(`[[status:${status}]]`);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(status === 429 ? '1' : null);
  });

  test('drops the connection in the middle when told to (R7)', async () => {
    const answering = ask('[[drop]]', { stream: true }).then((answer) => answer.text());
    await expect(answering).rejects.toMatchObject({ name: 'TypeError' });
    expect(stub.requests()[0]?.outcome).toBe('dropped');
  });

  test('hangs until its caller gives up (R7)', async () => {
    const giveUp = new AbortController();
    const asking = ask('[[hang]]', {}, giveUp.signal);
    await eventually(() => stub.inFlight() === 1);
    giveUp.abort();
    await expect(asking).rejects.toMatchObject({ name: 'AbortError' });
    await eventually(() => stub.requests()[0]?.outcome === 'abandoned');
  });

  test('a body that is no JSON and a path that is not there are said so (R26)', async () => {
    const bad = await fetch(`${stub.baseUrl}/chat/completions`, { method: 'POST', body: '{' });
    expect(bad.status).toBe(400);
    expect((await fetch(`${stub.baseUrl}/embeddings`)).status).toBe(404);
    expect((await fetch(`${stub.baseUrl}/models`)).status).toBe(200);
  });
});

describe('the readiness probe', () => {
  const served = async (status: number, body: string): Promise<unknown> => {
    const server = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const { port } = server.address() as AddressInfo;
    const readiness = await probeReady({ endpoint: `ws://127.0.0.1:${port}`, timeoutMs: 2000 });
    server.close();
    return readiness;
  };

  test.each([
    [200, '{"ready":true,"failing":[],"uptimeMs":7}', { kind: 'ready', uptimeMs: 7 }],
    [
      503,
      '{"ready":false,"failing":["gateway-draining"]}',
      { kind: 'not-ready', failing: ['gateway-draining'] },
    ],
    [
      200,
      '<!doctype html><title>another program</title>',
      { kind: 'unreachable', reason: 'not a gateway' },
    ],
    [200, '{"status":"ok"}', { kind: 'unreachable', reason: 'not a gateway' }],
  ])('%d %s (R32)', async (status, body, readiness) => {
    expect(await served(status, body)).toEqual(readiness);
  });

  test('nobody on the port is unreachable, with the reason (R32)', async () => {
    const { port } = await choosePort({ what: 'nobody', say: () => undefined });
    expect(await probeReady({ endpoint: `ws://127.0.0.1:${port}`, timeoutMs: 2000 })).toEqual({
      kind: 'unreachable',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

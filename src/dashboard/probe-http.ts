import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HttpSeen } from '../domain/dashboard-chain/observation.ts';
import { asNumber, asRecord, asTexts } from '../gateway/json-value.ts';
import { unreachedBy } from './unreached.ts';

/** A gateway's answer is a few hundred bytes; of anything longer the status is enough. */
const MOST_BYTES = 65_536;

/**
 * Asks `/readyz` below a URL, without a credential, past every proxy of the environment, following nothing. The body
 * says whether a gateway answered: a status proves nothing, for any path of a page answers 200. Never rejects.
 *
 * `trustAny`: the certificate was judged before.
 */
export async function probeHttp(options: {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly trustAny?: boolean;
}): Promise<HttpSeen> {
  try {
    return await answerOf(options);
  } catch (error) {
    return unreachedBy(error);
  }
}

async function answerOf(options: {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly trustAny?: boolean;
}): Promise<HttpSeen> {
  const { url, timeoutMs, trustAny = false } = options;
  const target = new URL(`${url.pathname.replace(/\/+$/, '')}/readyz`, url);
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(target, {
    // One connection of its own: what an earlier one found says nothing about now.
    agent: false,
    headers: { accept: 'application/json' },
    rejectUnauthorized: !trustAny,
    signal: AbortSignal.timeout(timeoutMs),
  });
  sent.on('response', resolve).on('error', reject).end();
  try {
    const response = await promise;
    return read(response.statusCode ?? 0, await bodyOf(response));
  } finally {
    sent.destroy();
  }
}

async function bodyOf(response: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function read(status: number, text: string | null): HttpSeen {
  const body = jsonOf(text);
  if (typeof body['ready'] !== 'boolean') return { kind: 'other', status };
  return {
    kind: 'gateway',
    ready: body['ready'] && status === 200,
    failing: asTexts(body['failing']),
    uptimeMs: asNumber(body['uptimeMs']),
  };
}

function jsonOf(text: string | null): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(text ?? ''));
  } catch {
    return {};
  }
}

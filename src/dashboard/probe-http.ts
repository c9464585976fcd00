import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HttpSeen, PageSeen } from '../domain/dashboard-chain/observation.ts';
import { asNumber, asRecord, asTexts } from '../gateway/json-value.ts';
import type { Clock } from '../platform/clock.ts';
import { isOtherProtocol, unreachedBy } from './unreached.ts';

/** A gateway's answer is a few hundred bytes; of anything longer the status is enough. */
const MOST_BYTES = 65_536;

export interface HttpProbe {
  readonly url: URL;
  /** From the first packet to the last byte. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** The certificate was judged before. */
  readonly trustAny?: boolean;
}

/**
 * Asks `/readyz` below a URL, without a credential, past every proxy of the environment, following nothing. The body
 * says whether a gateway answered: a status proves nothing, for any path of a page answers 200. Never rejects.
 */
export async function probeHttp(probe: HttpProbe): Promise<HttpSeen> {
  try {
    return await answerOf(probe);
  } catch (error) {
    return isOtherProtocol(error) ? { kind: 'other', status: 0 } : unreachedBy(error);
  }
}

/** Whether a page is served at the URL, as a browser would ask for it. Never rejects. */
export async function probePage(probe: HttpProbe): Promise<PageSeen> {
  try {
    return await ask(probe, probe.url, 'text/html', (response) => {
      const status = response.statusCode ?? 0;
      const isPage =
        status === 200 && /^text\/html\b/i.test(response.headers['content-type'] ?? '');
      return isPage ? { kind: 'page' } : { kind: 'none', status };
    });
  } catch (error) {
    return isOtherProtocol(error) ? { kind: 'none', status: 0 } : unreachedBy(error);
  }
}

function answerOf(probe: HttpProbe): Promise<HttpSeen> {
  const { url, clock } = probe;
  const target = new URL(`${url.pathname.replace(/\/+$/, '')}/readyz`, url);
  return ask(probe, target, 'application/json', async (response) => {
    // Whoever has begun to answer and never ends is no gateway.
    const body = await bodyOf(response).catch(() => null);
    return read(response.statusCode ?? 0, body, clock.monotonic());
  });
}

/** One request on a connection of its own: what an earlier one found says nothing about now. */
async function ask<Seen>(
  { timeoutMs, trustAny = false }: HttpProbe,
  target: URL,
  accept: string,
  see: (response: IncomingMessage) => Seen | Promise<Seen>,
): Promise<Seen> {
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(target, {
    agent: false,
    headers: { accept },
    rejectUnauthorized: !trustAny,
    signal: AbortSignal.timeout(timeoutMs),
  });
  sent.on('response', resolve).on('error', reject).end();
  try {
    return await see(await promise);
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

function read(status: number, text: string | null, answeredAtMs: number): HttpSeen {
  const body = jsonOf(text);
  if (typeof body['ready'] !== 'boolean') return { kind: 'other', status };
  const uptimeMs = asNumber(body['uptimeMs']);
  return {
    kind: 'gateway',
    ready: body['ready'] && status === 200,
    failing: asTexts(body['failing']),
    bootedAtMs: uptimeMs === null ? null : answeredAtMs - uptimeMs,
  };
}

function jsonOf(text: string | null): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(text ?? ''));
  } catch {
    return {};
  }
}

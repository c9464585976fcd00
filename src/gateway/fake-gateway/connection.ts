import type { Duplex } from 'node:stream';

import { rawDataToString } from '@openclaw/gateway-client/websocket-data';
import { WebSocket } from 'ws';

import { asRecord, asText, isRecord } from '../json-value.ts';
import { covers, judgeConnect, type Origin } from './handshake.ts';
import { invalidParams, METHODS } from './methods.ts';
import type { Misbehaviour } from './misbehaviour.ts';
import type { Params, Reply, WireError } from './reply.ts';

const PREAUTH_MAX_BYTES = 65_536;
const STARTING: WireError = {
  code: 'UNAVAILABLE',
  message: 'gateway starting; retry shortly',
  retryable: true,
  retryAfterMs: 500,
  details: { reason: 'startup-sidecars' },
};

/** What a connection asks of its boot. */
export interface ConnectionHost {
  readonly token: string;
  log(direction: 'in' | 'out', connection: number, frame: unknown): void;
  nowMs(): number;
  /** The gateway cannot take a client yet. */
  isStarting(): boolean;
  helloPayload(scopes: readonly string[], connection: number): unknown;
  /** Why a method is refused before it is looked at (suspended, too many control calls); null: it is not. */
  refusal(method: string): WireError | null;
  misbehaviour(method: string, params: Params): Misbehaviour | undefined;
  /** The gateway hears nothing and says nothing, while its sockets stay open. */
  isMute(): boolean;
  call(method: string, params: Params, reply: Reply): void;
  /** The connection has said hello. */
  joined(connection: FakeConnection): void;
}

/** One client's socket: handshake, frames in and out, events numbered from 1. */
export class FakeConnection {
  readonly #host: ConnectionHost;
  readonly #socket: WebSocket;
  readonly #raw: Duplex;
  readonly #origin: Origin;
  readonly #number: number;
  #scopes: readonly string[] | null = null;
  #seq = 0;

  constructor(options: {
    readonly host: ConnectionHost;
    readonly socket: WebSocket;
    readonly raw: Duplex;
    readonly origin: Origin;
    readonly number: number;
  }) {
    this.#host = options.host;
    this.#socket = options.socket;
    this.#raw = options.raw;
    this.#origin = options.origin;
    this.#number = options.number;
    this.#socket.on('message', (data, isBinary) => this.#receive(rawDataToString(data), isBinary));
    this.#socket.on('error', () => undefined);
    this.#send({
      type: 'event',
      event: 'connect.challenge',
      payload: { nonce: crypto.randomUUID(), ts: this.#host.nowMs(), capabilities: [] },
    });
  }

  /** Broadcasts reach only connections that may read. */
  event(event: string, payload: unknown): void {
    if (this.#scopes === null || !covers(this.#scopes, 'operator.read')) return;
    this.#seq += 1;
    this.#send({ type: 'event', event, payload, seq: this.#seq });
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** As after SIGKILL: the client sees 1006. */
  cut(): void {
    this.#socket.terminate();
  }

  #receive(text: string, isBinary: boolean): void {
    if (this.#host.isMute()) return;
    if (this.#scopes === null && Buffer.byteLength(text) > PREAUTH_MAX_BYTES) {
      return this.close(1009, 'payload too large');
    }
    const frame = isBinary ? null : parse(text);
    this.#host.log('in', this.#number, frame ?? text);
    if (!isRecord(frame) || frame['type'] !== 'req') return this.close(1000, 'invalid frame');
    const id = asText(frame['id']);
    const method = asText(frame['method']);
    if (id === null || method === null) return this.close(1000, 'invalid frame');
    if (method === 'connect' || this.#scopes === null)
      return this.#connect(id, method, frame['params']);
    this.#request(id, method, asRecord(frame['params']), frame['params']);
  }

  #connect(id: string, method: string, params: unknown): void {
    const refuse = (error: WireError, code: number): void => {
      this.#send({ type: 'res', id, ok: false, error });
      this.close(code, error.message.slice(0, 120));
    };
    if (method !== 'connect' || this.#scopes !== null) {
      return refuse(
        { code: 'INVALID_REQUEST', message: 'the first request must be connect' },
        1008,
      );
    }
    if (this.#host.isStarting()) return refuse(STARTING, 1013);
    const verdict = judgeConnect(params, { token: this.#host.token, origin: this.#origin });
    if (verdict.kind === 'refused') return refuse(verdict.error, verdict.closeCode);
    this.#scopes = verdict.scopes;
    const payload = this.#host.helloPayload(verdict.scopes, this.#number);
    this.#send({ type: 'res', id, ok: true, payload });
    this.#host.joined(this);
  }

  #request(id: string, method: string, params: Params, rawParams: unknown): void {
    const misbehaviour = this.#host.misbehaviour(method, params);
    if (misbehaviour === 'ignore') return;
    if (misbehaviour === 'drop-before') return this.cut();
    const reply = this.#replyTo(id, misbehaviour);
    const known = METHODS[method];
    if (known === undefined) {
      return reply.error({ code: 'INVALID_REQUEST', message: `unknown method: ${method}` });
    }
    if (!covers(this.#scopes ?? [], known.scope)) {
      return reply.error({
        code: 'FORBIDDEN',
        message: `missing scope: ${known.scope}`,
        details: {
          code: 'MISSING_SCOPE',
          missingScope: known.scope,
          requiredScopes: [known.scope],
        },
      });
    }
    const refusal = this.#host.refusal(method);
    if (refusal !== null) return reply.error(refusal);
    const invalid = invalidParams(method, known, rawParams ?? {});
    if (invalid !== null) return reply.error({ code: 'INVALID_REQUEST', message: invalid });
    this.#host.call(method, params, reply);
  }

  #replyTo(id: string, misbehaviour: Misbehaviour | undefined): Reply {
    const send = (frame: Record<string, unknown>): void =>
      this.#answer({ type: 'res', id, ...frame }, misbehaviour);
    return {
      ok: (payload) => send({ ok: true, payload }),
      error: (error, payload) =>
        send({ ok: false, error, ...(payload === undefined ? {} : { payload }) }),
    };
  }

  #answer(frame: Record<string, unknown>, misbehaviour: Misbehaviour | undefined): void {
    switch (misbehaviour) {
      case undefined:
      case 'ignore':
      case 'drop-before':
        return this.#send(frame);
      case 'silence':
        return;
      case 'drop-after':
        return this.cut();
      case 'null':
        return this.#send({ type: 'res', id: frame['id'], ok: true, payload: null });
      case 'null-error':
        return this.#send({ type: 'res', id: frame['id'], ok: false, error: null });
      case 'garbage':
        return this.#sendText('}this is not JSON{');
      case 'double':
        this.#send(frame);
        return this.#send(frame);
      case 'half-frame':
        return this.#sendHalf(JSON.stringify(frame));
    }
  }

  /** A text frame that announces its whole length and carries half of it. */
  #sendHalf(text: string): void {
    const body = Buffer.from(text);
    const header = Buffer.from([0x81, 126, body.length >> 8, body.length & 0xff]);
    this.#raw.write(Buffer.concat([header, body.subarray(0, body.length / 2)]));
    this.#raw.destroy();
  }

  #send(frame: Record<string, unknown>): void {
    if (this.#host.isMute() || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#host.log('out', this.#number, frame);
    this.#sendText(JSON.stringify(frame));
  }

  #sendText(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

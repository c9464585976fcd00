import { once } from 'node:events';

import { WebSocket } from 'ws';

/** A frame as it came; the fields of every kind of frame are optional. */
export interface Frame {
  readonly type?: string;
  readonly id?: string;
  readonly event?: string;
  readonly ok?: boolean;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/**
 * A client without manners: sends any frame and shows every frame, for what a well-behaved client never does or
 * never shows (wrong handshakes, unknown parameters, the second answer of `agent`, another person's message).
 */
export class RawGatewayClient {
  readonly frames: Frame[] = [];
  /** Code of the close, once the socket is closed. */
  closeCode: number | null = null;
  readonly #socket: WebSocket;
  readonly #waiters = new Set<() => void>();
  #count = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data as Buffer)) as Frame);
      this.#wake();
    });
    socket.on('close', (code) => {
      this.closeCode = code;
      this.#wake();
    });
  }

  /** Opens the socket and waits for the challenge, no further. */
  static async open(
    endpoint: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawGatewayClient> {
    const client = new RawGatewayClient(new WebSocket(endpoint, { headers }));
    await client.until((frame) => frame.event === 'connect.challenge');
    return client;
  }

  /** Opens and says a good hello. */
  static async connect(
    endpoint: string,
    token: string,
    scopes: readonly string[] = ['operator.read', 'operator.write', 'operator.admin'],
  ): Promise<RawGatewayClient> {
    const client = await RawGatewayClient.open(endpoint);
    const hello = await client.hello({ token, scopes });
    if (hello.ok !== true) throw new Error(`connect failed: ${JSON.stringify(hello)}`);
    return client;
  }

  /** Sends `connect`, good unless changed, and answers its response frame. */
  async hello(options: {
    readonly token?: string;
    readonly scopes?: readonly string[];
    readonly client?: Readonly<Record<string, string>>;
    readonly protocol?: readonly [number, number];
  }): Promise<Frame> {
    const [minProtocol, maxProtocol] = options.protocol ?? [4, 4];
    return this.call('connect', {
      minProtocol,
      maxProtocol,
      client: {
        id: 'gateway-client',
        mode: 'backend',
        version: '0.1.0',
        platform: 'linux',
        ...options.client,
      },
      role: 'operator',
      scopes: options.scopes ?? ['operator.read', 'operator.write', 'operator.admin'],
      caps: [],
      ...(options.token === undefined ? {} : { auth: { token: options.token } }),
    });
  }

  /** Sends a request and answers its first response frame. */
  async call(method: string, params: unknown): Promise<Frame> {
    const id = this.send(method, params);
    return this.until((frame) => frame.type === 'res' && frame.id === id);
  }

  /** Sends a request without waiting; answers its id. */
  send(method: string, params: unknown): string {
    this.#count += 1;
    const id = `raw-${this.#count}`;
    this.sendText(JSON.stringify({ type: 'req', id, method, params }));
    return id;
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** The first frame, past or coming, that fits; fails when none comes in time or the socket closes. */
  async until(fits: (frame: Frame) => boolean, timeoutMs = 20_000): Promise<Frame> {
    const found = await this.#await(() => this.frames.find(fits), timeoutMs);
    if (found === undefined) {
      throw new Error(
        `no such frame (closed: ${this.closeCode}), last: ${JSON.stringify(this.frames.at(-1))}`,
      );
    }
    return found;
  }

  /** The code with which the gateway closes. */
  async closed(timeoutMs = 20_000): Promise<number | null> {
    await this.#await(() => (this.closeCode === null ? undefined : true), timeoutMs);
    return this.closeCode;
  }

  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    this.#socket.close(1000);
    const force = setTimeout(() => this.#socket.terminate(), 500);
    await once(this.#socket, 'close');
    clearTimeout(force);
  }

  async #await<T>(look: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = look();
      const leftMs = deadline - performance.now();
      if (found !== undefined || leftMs <= 0) return found;
      if (this.#socket.readyState === WebSocket.CLOSED) return look();
      let wake = (): void => undefined;
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
        this.#waiters.add(resolve);
      });
      const timer = setTimeout(wake, Math.min(leftMs, 250));
      await changed;
      clearTimeout(timer);
      this.#waiters.delete(wake);
    }
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
  }
}

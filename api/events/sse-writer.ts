import type { Response } from 'express';
import type { Clock } from '../../src/platform/clock.ts';

/**
 * Writes Server-Sent Events to one client and never holds more than was handed to it: `write` resolves when the
 * client has room again, `slow` when it took nothing for the bound.
 */
export class SseWriter {
  readonly #res: Response;
  readonly #clock: Clock;
  readonly #slowMs: number;
  /** Aborts when the connection is closed. */
  readonly closed: AbortSignal;

  constructor(options: {
    readonly res: Response;
    readonly clock: Clock;
    readonly slowConsumerMs: number;
  }) {
    this.#res = options.res;
    this.#clock = options.clock;
    this.#slowMs = options.slowConsumerMs;
    const closed = new AbortController();
    this.closed = closed.signal;
    options.res.on('close', () => closed.abort());
    options.res.set({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    options.res.flushHeaders();
  }

  async write(text: string): Promise<'ok' | 'slow' | 'closed'> {
    if (this.closed.aborted) return 'closed';
    if (this.#res.write(text)) return 'ok';
    const room = new AbortController();
    const onDrain = (): void => room.abort();
    this.#res.once('drain', onDrain);
    await this.#clock.sleep(this.#slowMs, AbortSignal.any([room.signal, this.closed]));
    this.#res.off('drain', onDrain);
    if (room.signal.aborted) return 'ok';
    return this.closed.aborted ? 'closed' : 'slow';
  }

  /** Says the last words and closes; a client that does not take them is cut off. */
  async end(lastWords: string, withinMs: number): Promise<void> {
    if (this.closed.aborted) return;
    this.#res.end(lastWords);
    await this.#clock.sleep(withinMs, this.closed);
    if (!this.closed.aborted) this.#res.destroy();
  }
}

/** One message; `data` is JSON, so it has no line breaks. */
export function sseMessage(message: {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}): string {
  const id = message.id === undefined ? '' : `id: ${message.id}\n`;
  const event = message.event === undefined ? '' : `event: ${message.event}\n`;
  return `${id}${event}data: ${message.data}\n\n`;
}

/** A comment that keeps the connection alive and moves the client's cursor on, without a message. */
export function sseHeartbeat(id: string): string {
  return `: alive\nid: ${id}\n\n`;
}

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readSse, type SseMessage } from '../../../src/contract/sse.ts';

async function* chunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [
    ...cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ]) {
    await Promise.resolve();
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

async function messagesOf(text: string, cuts: readonly number[] = []): Promise<SseMessage[]> {
  const found: SseMessage[] = [];
  for await (const message of readSse(chunks(new TextEncoder().encode(text), cuts)))
    found.push(message);
  return found;
}

describe('reading Server-Sent Events', () => {
  test('takes ids, names, data of several lines and comments apart (R39)', async () => {
    const text =
      ': hi\nid: s.1\n\nid: s.2\nevent: problem\ndata: {"a":\ndata: 1}\n\r\ndata:x\n\ndata: cut off';
    expect(await messagesOf(text)).toEqual([
      { id: 's.1', event: 'message', data: null },
      { id: 's.2', event: 'problem', data: '{"a":\n1}' },
      { id: 's.2', event: 'message', data: 'x' },
    ]);
  });

  test('gives the same messages however the bytes are cut, also within a character (R39)', async () => {
    const message = fc.record({ id: fc.stringMatching(/^[a-z0-9.]{1,8}$/), data: fc.json() });
    await fc.assert(
      fc.asyncProperty(fc.array(message), fc.array(fc.nat(500)), async (sent, cuts) => {
        const text = sent.map(({ id, data }) => `id: ${id}\ndata: ${data}\n\n`).join('');
        const got = await messagesOf(text, cuts);
        expect(got.map(({ id, data }) => ({ id, data }))).toEqual(sent);
      }),
      { numRuns: 200 },
    );
  });
});

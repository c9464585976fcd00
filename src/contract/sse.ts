/** One message of a Server-Sent Events stream; `id` is the last one seen so far. */
export interface SseMessage {
  readonly id: string | null;
  readonly event: string;
  /** null: a block without data, which only moves the id on. */
  readonly data: string | null;
}

/** Cuts a byte stream into messages by the rules of the HTML standard. Ends when the bytes end; throws what they throw. */
export async function* readSse(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SseMessage> {
  const decoder = new TextDecoder();
  let rest = '';
  let block = emptyBlock(null);
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const text = line.endsWith('\r') ? line.slice(0, -1) : line;
      if (text !== '') {
        block = withLine(block, text);
        continue;
      }
      if (block.changed) {
        yield { id: block.id, event: block.event, data: block.data };
      }
      block = emptyBlock(block.id);
    }
  }
}

interface Block {
  readonly id: string | null;
  readonly event: string;
  readonly data: string | null;
  readonly changed: boolean;
}

function emptyBlock(id: string | null): Block {
  return { id, event: 'message', data: null, changed: false };
}

function withLine(block: Block, line: string): Block {
  const colon = line.indexOf(':');
  if (colon === 0) return block;
  const field = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
  switch (field) {
    case 'id':
      return { ...block, id: value, changed: true };
    case 'event':
      return { ...block, event: value, changed: true };
    case 'data':
      return {
        ...block,
        data: block.data === null ? value : `${block.data}\n${value}`,
        changed: true,
      };
    default:
      return block;
  }
}

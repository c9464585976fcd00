import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { choosePort, isFree } from '../../../src/local/free-port.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
});

async function occupy(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

test('a wanted port that is free is used, without a word', async () => {
  const { server, port } = await occupy('127.0.0.1');
  await new Promise((resolve) => server.close(resolve));
  const said: string[] = [];
  const chosen = await choosePort({ what: 'x', wanted: port, say: (line) => said.push(line) });
  expect(chosen).toEqual({ port, isWanted: true });
  expect(said).toEqual([]);
});

test.each(['127.0.0.1', '0.0.0.0'])(
  'a wanted port that somebody has on %s is replaced by a free one, and said so',
  async (host) => {
    const { port } = await occupy(host);
    const said: string[] = [];
    const chosen = await choosePort({
      what: 'PostgreSQL',
      wanted: port,
      say: (line) => said.push(line),
    });
    expect(chosen.isWanted).toBe(false);
    expect(await isFree(chosen.port)).toBe(true);
    expect(said).toEqual([`Port ${port} is in use; PostgreSQL uses port ${chosen.port} instead.`]);
  },
);

test('a port already promised to another program is not chosen again', async () => {
  const { server, port } = await occupy('127.0.0.1');
  await new Promise((resolve) => server.close(resolve));
  const chosen = await choosePort({ what: 'x', wanted: port, taken: [port], say: () => undefined });
  expect(chosen.port).not.toBe(port);
});

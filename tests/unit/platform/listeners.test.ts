import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { listenersAt, listensOn, type PortListener } from '../../../src/platform/listeners.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(host: string, port = 0): Promise<number> {
  const server = createServer();
  servers.push(server);
  server.listen({ host, port, ipv6Only: host.includes(':') });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Others of this machine may have the port of another address. */
function ownListenersAt(port: number): readonly PortListener[] {
  return listenersAt(port).filter(({ pid }) => pid === process.pid);
}

test.each(['127.0.0.1', '0.0.0.0', '::1', '::'])(
  'a listener at %s is found with its address, its process and its program (S04, S13)',
  async (host) => {
    const port = await listen(host);
    expect(ownListenersAt(port)).toEqual([
      { address: host, pid: process.pid, program: expect.stringMatching(/^node/) },
    ]);
    expect(listensOn(process.pid, port)).toBe(true);
    expect(listensOn(1, port)).toBe(false);
  },
);

test('two addresses of one port are two listeners, and a port that nobody has has none', async () => {
  const port = await listen('127.0.0.1');
  await listen('::1', port);
  expect(ownListenersAt(port).map(({ address }) => address)).toEqual(['127.0.0.1', '::1']);
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
  expect(ownListenersAt(port)).toEqual([]);
  expect(listensOn(process.pid, port)).toBe(false);
});

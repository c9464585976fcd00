import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, expect, test } from '@jest/globals';

import { Part } from '../../../scripts/chaos/part.ts';
import { descendantsOf } from '../../../src/platform/processes.ts';
import { eventually } from '../../support/eventually.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

test('the clock of a program jumps while it runs, and is set right again (R47)', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'dash-clock-'));
  ends.push(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'offset');
  writeFileSync(file, '0');
  const child = spawn(
    process.execPath,
    [
      ...['--import', join(import.meta.dirname, '../../../scripts/chaos/jumping-clock.ts'), '-e'],
      'setInterval(() => console.log(Date.now(), new Date().getTime(), new Date(5).getTime()), 20)',
    ],
    { env: { CHAOS_CLOCK_FILE: file }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  ends.push(() => child.kill('SIGKILL'));
  let last: number[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    last = text.trimEnd().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  });
  const offBy = async (offsetMs: number): Promise<void> => {
    const isOff = (atMs: number | undefined): boolean =>
      Math.abs((atMs ?? 0) - Date.now() - offsetMs) < 5_000;
    await eventually(() => last.length === 3 && isOff(last[0]) && isOff(last[1]), {
      timeoutMs: 20_000,
      what: `the clock to be off by ${offsetMs} ms`,
    });
    expect(last[2]).toBe(5);
  };
  await offBy(0);
  writeFileSync(file, '-600000');
  await offBy(-600_000);
  writeFileSync(file, '0');
  await offBy(0);
}, 60_000);

test('a freeze stops a server with all its processes, and a thaw wakes them (R47)', async () => {
  const child = spawn('sh', ['-c', 'sh -c "sleep 60; true" & wait'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  const exited = once(child, 'exit').then(() => ({ code: null, signal: null }));
  const stop = async (): Promise<void> => {
    for (const helper of descendantsOf(pid)) process.kill(helper.pid, 'SIGKILL');
    child.kill('SIGKILL');
    await exited;
  };
  const part = new Part({
    ...{ kind: 'postgres', name: 'postgres', isReady: async () => true, onCrash: () => undefined },
    launch: async () => ({ pid, exited, stop }),
  });
  ends.push(() => part.close());
  await part.start();
  await eventually(() => descendantsOf(pid).length === 2, { timeoutMs: 10_000 });
  const states = (): string =>
    [pid, ...descendantsOf(pid).map((helper) => helper.pid)]
      .map((one) => /\) (\S)/.exec(readFileSync(`/proc/${one}/stat`, 'utf8'))?.[1])
      .join('');
  part.freeze();
  await eventually(() => states() === 'TTT', { timeoutMs: 10_000, what: 'all to be stopped' });
  part.thaw();
  await eventually(() => states() === 'SSS', { timeoutMs: 10_000, what: 'all to be awake' });
}, 40_000);

/** An echo behind a proxy, and a connection to it: what it sent back, and whether it stands. */
async function echo(): Promise<{ proxy: TcpProxy; socket: Socket; heard(): string }> {
  const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  const proxy = await startTcpProxy({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  });
  ends.push(() => proxy.close());
  const socket = createConnection(proxy.port, '127.0.0.1').on('error', () => undefined);
  ends.push(() => socket.destroy());
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => void (heard += text));
  await once(socket, 'connect');
  return { proxy, socket, heard: () => heard };
}

test('a slowed way delays what comes back and keeps its order (R47)', async () => {
  const { proxy, socket, heard } = await echo();
  const startedAt = performance.now();
  proxy.slow(200);
  socket.write('a');
  await eventually(() => heard() === 'a', { timeoutMs: 10_000 });
  expect(performance.now() - startedAt).toBeGreaterThan(190);
  socket.write('b');
  proxy.slow(0);
  socket.write('c');
  await eventually(() => heard() === 'abc', { timeoutMs: 10_000, what: 'all in their order' });
});

test('a choked way swallows, leaves its connections open, and drops them when it is over (R47)', async () => {
  const { proxy, socket, heard } = await echo();
  socket.write('a');
  await eventually(() => heard() === 'a', { timeoutMs: 10_000 });
  proxy.choke('from');
  socket.write('b');
  const other = createConnection(proxy.port, '127.0.0.1').on('error', () => undefined);
  ends.push(() => other.destroy());
  await once(other, 'connect');
  expect([heard(), socket.destroyed]).toEqual(['a', false]);
  proxy.heal();
  await eventually(() => socket.destroyed, { timeoutMs: 10_000, what: 'the connection to end' });
  expect(heard()).toBe('a');
});

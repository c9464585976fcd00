import { createDatabase, type Database } from '../../../../src/db/database.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';

/** What a test has started, ended in the opposite order. */
export type Ends = (() => Promise<unknown>)[];

export const silentLog = { info: () => undefined, warn: () => undefined };

export async function endAll(ends: Ends): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}

/** A way to PostgreSQL that can be cut. */
export async function proxyTo(url: string, ends: Ends): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  ends.push(() => proxy.close());
  return proxy;
}

/** The database of `url`, reached through the proxy. */
export function databaseBehind(proxy: TcpProxy, url: string, ends: Ends): Database {
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String(proxy.port);
  const db = createDatabase({
    url: proxied.href,
    applicationName: 'proxied',
    maxConnections: 5,
    log: silentLog,
  });
  ends.push(() => db.close());
  return db;
}

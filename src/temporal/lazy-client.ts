import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { TemporalSettings } from './connect.ts';

/** A client without Workers; it connects at its first call and again after every loss. */
export interface LazyTemporalClient {
  readonly client: Client;
  close(): Promise<void>;
}

/** For a process that must start, and be of use, while Temporal is away: the api. */
export function createLazyClient(settings: TemporalSettings): LazyTemporalClient {
  const { address, tls, apiKey, metadata } = settings.connection;
  const options: ConnectionOptions = {
    ...(address === undefined ? {} : { address }),
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata: asTexts(metadata) }),
  };
  const connection = Connection.lazy(options);
  return {
    client: new Client({ connection, namespace: settings.namespace }),
    close: () => connection.close(),
  };
}

/** The gRPC client of JavaScript takes texts; bytes are for headers named `…-bin`, which no setting names. */
function asTexts(metadata: Readonly<Record<string, string | Buffer>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name, value.toString()]),
  );
}

import { Client, Connection } from '@temporalio/client';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { Retries } from './retries.ts';

/** How to reach Temporal; from `TEMPORAL_*` or a profile, see src/config. */
export interface TemporalSettings {
  readonly connection: Pick<NativeConnectionOptions, 'address' | 'tls' | 'apiKey' | 'metadata'>;
  readonly namespace: string;
}

/** For processes that only send messages. */
export interface TemporalClient {
  readonly client: Client;
  close(): Promise<void>;
}

/**
 * A client that connects with its first call, so that a process can start, and accept work, while Temporal is away.
 * Calls obey `client.withDeadline`; the connection comes back by itself.
 */
export function createTemporalClient(settings: TemporalSettings): TemporalClient {
  const retries = new Retries();
  const connection = Connection.lazy({
    ...settings.connection,
    interceptors: [retries.interceptor],
  });
  return {
    client: new Client({ connection, namespace: settings.namespace }),
    close: async () => {
      await retries.end();
      await connection.close();
    },
  };
}

/** For processes that run Workers: all their Workers share the native connection. */
export interface TemporalConnection extends TemporalClient {
  readonly native: NativeConnection;
  readonly namespace: string;
}

/**
 * Connects a worker process. Throws when the server cannot be reached now: the caller decides how long to try.
 *
 * Workers and client have a connection each, because calls over the native one retry below the caller's deadline: an
 * acknowledged renewal (P24) must fail in time.
 */
export async function connectTemporal(settings: TemporalSettings): Promise<TemporalConnection> {
  const native = await NativeConnection.connect(settings.connection);
  const { client, close } = createTemporalClient(settings);
  return {
    client,
    native,
    namespace: settings.namespace,
    close: async () => {
      await close();
      await native.close();
    },
  };
}

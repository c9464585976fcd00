import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createTemporalClient } from '../../../src/temporal/connect.ts';

/** A port of this machine where nobody listens. */
async function deafPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An error that nobody handles ends a process of Dash, and fails this test. */
test('a connection that closes while a call is being repeated ends the call, and nothing else (R45)', async () => {
  const connection = { address: `127.0.0.1:${await deafPort()}` };
  const { client, close } = createTemporalClient({ connection, namespace: 'default' });
  const handle = client.workflow.getHandle('task/x');
  const ended = handle.describe().catch((error: unknown) => error);
  // Its first repetitions come after about 170 and 460 ms.
  await sleep(300);
  await close();
  expect(await ended).toMatchObject({ message: 'Failed to describe workflow' });
});

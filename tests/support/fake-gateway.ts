import { expect } from '@jest/globals';

import {
  startFakeGateway,
  type FakeGateway,
  type FakeGatewayOptions,
} from '../../src/gateway/fake-gateway/fake-gateway.ts';
import { GatewayCallError } from '../../src/gateway/gateway-call-error.ts';
import { connectTo, type TestConnection } from './gateway-client.ts';

/** Fake gateways and connections of one test file; `close` in `afterEach` ends whatever a test has opened. */
export class FakeFleet {
  readonly #closing: (() => Promise<void>)[] = [];

  async gateway(options: FakeGatewayOptions = {}): Promise<FakeGateway> {
    const fake = await startFakeGateway(options);
    this.#closing.push(() => fake.close());
    return fake;
  }

  /** A connection that may still be connecting. */
  connect(
    gateway: { readonly endpoint: string; readonly token: string },
    options: Parameters<typeof connectTo>[1] = {},
  ): TestConnection {
    const connection = connectTo(gateway, options);
    this.#closing.push(() => connection.close());
    return connection;
  }

  async connected(
    gateway: { readonly endpoint: string; readonly token: string },
    options: Parameters<typeof connectTo>[1] = {},
  ): Promise<TestConnection> {
    const connection = this.connect(gateway, options);
    await connection.whenOpen({ timeoutMs: 10_000 });
    return connection;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).toReversed()) await close();
  }
}

/** The error that a call must end with. */
export async function failureOf(call: Promise<unknown>): Promise<GatewayCallError> {
  const outcome = await call.then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(GatewayCallError);
  return outcome as GatewayCallError;
}

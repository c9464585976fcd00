import { afterAll, beforeAll, describe } from '@jest/globals';

import type { GatewayConnection } from '../../src/gateway/connection.ts';
import { eventually } from '../support/eventually.ts';
import { connectTo, send } from '../support/gateway-client.ts';
import { ownRun, SLOW, type Context, type GatewayUnderTest } from './contract-context.ts';
import { describeCrash } from './contract-crash.ts';
import { describeHandshake, describeStrictness } from './contract-handshake.ts';
import { describeLooks } from './contract-looks.ts';
import {
  describeLoad,
  describeOrigins,
  describeRestart,
  describeSuspension,
} from './contract-service.ts';
import { describeTurns } from './contract-turns.ts';

/**
 * What Dash relies on in a gateway. Fake and real gateway are held to the same statements, so that a proof on fakes
 * says something about real ones.
 */
export function describeGatewayContract(
  name: string,
  start: () => Promise<GatewayUnderTest>,
): void {
  describe(`the gateway contract: ${name}`, () => {
    let gateway: GatewayUnderTest;
    let connection: GatewayConnection;
    const context: Context = () => ({ gateway, connection });

    beforeAll(async () => {
      gateway = await start();
      connection = connectTo(gateway);
      await connection.whenOpen({ timeoutMs: 30_000 });
      await send(connection, 'warm-up', 'warm up [[say:warm]]');
      await eventually(async () => (await ownRun(connection, 'warm-up')).answer, SLOW);
    }, 180_000);

    afterAll(async () => {
      await connection?.close();
      await gateway?.close();
    }, 60_000);

    describeHandshake(context);
    describeStrictness(context);
    describeTurns(context);
    describeLooks(context);
    describeLoad(context);
    describeOrigins(context);
    describeSuspension(context);
    describeRestart(context);
    describeCrash(context);
  });
}

/** Fake gateways with instant answers in one process of their own: `fake-fleet.ts COUNT LANES DIR`. */
import { join } from 'node:path';
import { startFakeGateway } from '../../src/gateway/fake-gateway/fake-gateway.ts';

const [count = '1', lanes = '4', dir = '.'] = process.argv.slice(2);
const fleet = await Promise.all(
  Array.from({ length: Number(count) }, async (_, index) => {
    const gatewayId = `fake-${index + 1}`;
    const wireLogPath = join(dir, `${gatewayId}.jsonl`);
    const gateway = await startFakeGateway({
      lanes: Number(lanes),
      wireLogDetail: 'runs',
      wireLogPath,
    });
    const { endpoint, token } = gateway;
    return { gateway, entry: { gatewayId, endpoint, token, wireLog: wireLogPath } };
  }),
);
process.stdout.write(`${JSON.stringify(fleet.map(({ entry }) => entry))}\n`);
process.on('SIGTERM', () => {
  void Promise.all(fleet.map(({ gateway }) => gateway.close())).then(() => process.exit(0));
});

/** Fake gateways with instant answers in one process of their own: `fake-fleet.ts COUNT LANES`. */
import { startFakeGateway } from '../../src/gateway/fake-gateway/fake-gateway.ts';

const [count = 1, lanes = 4] = process.argv.slice(2).map(Number);
const fleet = await Promise.all(
  Array.from({ length: count }, () => startFakeGateway({ lanes, wireLogDetail: 'runs' })),
);
process.stdout.write(
  `${JSON.stringify(fleet.map(({ endpoint, token }) => ({ endpoint, token })))}\n`,
);
process.on('SIGTERM', () => {
  void Promise.all(fleet.map((fake) => fake.close())).then(() => process.exit(0));
});

import { probeReady } from '../../src/gateway/probe-ready.ts';
import type { GatewayUnderTest } from '../contract/contract-context.ts';
import { describeGatewayContract } from '../contract/gateway-contract.ts';
import { eventually } from '../support/eventually.ts';
import { startRealGateway } from '../support/real-gateway.ts';

describeGatewayContract('a real OpenClaw gateway', async (): Promise<GatewayUnderTest> => {
  const real = await startRealGateway();
  const { endpoint } = real;
  return {
    endpoint,
    token: real.token,
    modelCalls: (marker) => real.model.calls(marker),
    crash: () => real.crash(),
    start: () => real.start(),
    restartInProcess: async () => {
      const before = await uptimeMs(endpoint);
      process.kill(real.process().identity.pid, 'SIGUSR2');
      await eventually(async () => (await uptimeMs(endpoint)) < before, {
        timeoutMs: 60_000,
        everyMs: 100,
      });
    },
    wipeState: async () => real.wipeState(),
    close: () => real.close(),
  };
});

/** How long the gateway has listened; infinite while it is not ready. It starts anew with each boot. */
async function uptimeMs(endpoint: string): Promise<number> {
  const readiness = await probeReady({ endpoint, timeoutMs: 2000 });
  return readiness.kind === 'ready' ? (readiness.uptimeMs ?? 0) : Number.POSITIVE_INFINITY;
}

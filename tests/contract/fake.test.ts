import { startFakeGateway } from '../../src/gateway/fake-gateway/fake-gateway.ts';
import type { GatewayUnderTest } from './contract-context.ts';
import { describeGatewayContract } from './gateway-contract.ts';

describeGatewayContract('the fake gateway', async (): Promise<GatewayUnderTest> => {
  const prompts: string[] = [];
  const fake = await startFakeGateway({
    recoveryDelayMs: 150,
    // As in the gateways that Dash starts.
    controlUi: false,
    script: ({ prompt }) => {
      prompts.push(prompt);
      return undefined;
    },
  });
  return {
    endpoint: fake.endpoint,
    token: fake.token,
    modelCalls: (marker) => prompts.filter((prompt) => prompt.includes(marker)).length,
    crash: () => fake.crash(),
    start: () => fake.start(),
    restartInProcess: () => fake.restart(),
    wipeState: async () => fake.wipeState(),
    close: () => fake.close(),
  };
});

import { expect, test } from '@jest/globals';
import { createTemporalClient } from '../../../src/temporal/connect.ts';
import { createWorkflowMessages } from '../../../src/temporal/messages.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestNamespace, testTemporalAddress } from '../../support/temporal-namespace.ts';

test('without a control worker Temporal itself says that workflows wait, how many and since when (R32, ADR 0012)', async () => {
  const namespace = await createTestNamespace();
  const { client, close } = createTemporalClient({
    connection: { address: testTemporalAddress() },
    namespace,
  });
  try {
    const messages = createWorkflowMessages({ client, timeoutMs: 2_000 });
    expect(await messages.checkWorkflows()).toEqual({ kind: 'ok' });
    for (const swarmId of ['s1', 's2', 's3']) await messages.startSwarm(swarmId);
    // Temporal counts its queues every few seconds.
    const check = await eventually(
      async () => {
        const found = await messages.checkWorkflows();
        return found.kind === 'behind' && found.waiting === 3 ? found : null;
      },
      { timeoutMs: 20_000 },
    );
    expect(check.oldestMs).toBeGreaterThanOrEqual(2_000);
  } finally {
    await close();
  }
});

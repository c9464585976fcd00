import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';
import { eventually } from './eventually.ts';

const RETENTION_SECONDS = 24 * 60 * 60;
const KEYWORD = 2;

/**
 * A namespace of its own on the Temporal of the test run: queues, workflow ids and schedules of one test file never
 * meet those of another. Resolves when workflows with Dash's search attributes can be started there.
 */
export async function createTestNamespace(address = testTemporalAddress()): Promise<string> {
  const namespace = `dash-test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
    });
    const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD]));
    await eventually(
      async () => {
        await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
        return true;
      },
      { what: `namespace ${namespace}`, everyMs: 100 },
    );
    await eventually(
      async () => {
        const { customAttributes } = await connection.operatorService.listSearchAttributes({
          namespace,
        });
        return SEARCH_ATTRIBUTES.every((name) => name in (customAttributes ?? {}));
      },
      { what: `search attributes of ${namespace}` },
    );
  } finally {
    await connection.close();
  }
  return namespace;
}

export function testTemporalAddress(): string {
  const address = process.env['DASH_TEST_TEMPORAL_ADDRESS'];
  if (address === undefined) {
    throw new Error('DASH_TEST_TEMPORAL_ADDRESS is not set: run this test through jest');
  }
  return address;
}

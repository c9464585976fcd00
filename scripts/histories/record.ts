import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker';
import { CONTROL_QUEUE } from '../../src/domain/names.ts';
import { createTestNamespace } from '../../tests/support/temporal-namespace.ts';
import type { Scenario } from './scenario.ts';

const scheduledStartKey = defineSearchAttributeKey(
  'TemporalScheduledStartTime',
  SearchAttributeType.DATETIME,
);

/** Who appears in a recorded history: nobody's machine. */
const IDENTITY = 'recorder';

/**
 * Plays a scenario on a Temporal server and answers the history of its first run as JSON. In a namespace of its
 * own, so that nothing is left over from another one; `root` is taken out of every stack trace.
 */
export async function recordScenario(options: {
  readonly scenario: Scenario;
  readonly address: string;
  readonly bundle: WorkflowBundle;
  readonly root: string;
}): Promise<string> {
  const { scenario, address, bundle, root } = options;
  const namespace = await createTestNamespace(address);
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  try {
    const client = new Client({ connection, namespace, identity: IDENTITY });
    const workers = await Promise.all(
      Object.entries(scenario.workers).map(([taskQueue, activities]) =>
        Worker.create({
          connection: native,
          namespace,
          taskQueue,
          activities,
          identity: IDENTITY,
          ...(taskQueue === CONTROL_QUEUE ? { workflowBundle: bundle } : {}),
        }),
      ),
    );
    const running = workers.map((worker) => worker.run());
    try {
      return withoutPlaces(await play(client, scenario), root);
    } finally {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
    }
  } finally {
    await native.close();
    await connection.close();
  }
}

async function play(client: Client, scenario: Scenario): Promise<string> {
  const handle = await client.workflow.start(scenario.workflow, {
    workflowId: scenario.workflowId,
    taskQueue: CONTROL_QUEUE,
    args: [...scenario.args],
    typedSearchAttributes:
      scenario.scheduledFor === undefined
        ? []
        : [{ key: scheduledStartKey, value: scenario.scheduledFor }],
  });
  await scenario.drive?.(handle, client);
  if (scenario.staysOpen !== true) {
    // A path may well end as Failed.
    await client.workflow
      .getHandle(handle.workflowId)
      .result()
      .catch(() => undefined);
  }
  const first = client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
  return historyToJSON(await first.fetchHistory());
}

/** One line per event, without a directory of this machine. */
function withoutPlaces(history: string, root: string): string {
  const { events } = JSON.parse(history.replaceAll(`${root}/`, '')) as { events: object[] };
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}

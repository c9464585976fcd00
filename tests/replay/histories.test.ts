import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { DeterminismViolationError } from '@temporalio/workflow';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type WorkflowBundle,
} from '@temporalio/worker';
import { bulkScenarios } from '../../scripts/histories/bulk-scenarios.ts';
import { chainScenarios } from '../../scripts/histories/chain-scenarios.ts';
import { gatewayScenarios } from '../../scripts/histories/gateway-scenarios.ts';
import { maintenanceScenarios } from '../../scripts/histories/maintenance-scenarios.ts';
import { submissionScenarios } from '../../scripts/histories/submission-scenarios.ts';
import { swarmScenarios } from '../../scripts/histories/swarm-scenarios.ts';
import { taskScenarios } from '../../scripts/histories/task-scenarios.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

const directory = join(import.meta.dirname, '../histories');
const scenarios = [
  ...taskScenarios(),
  ...swarmScenarios(),
  ...gatewayScenarios(),
  ...chainScenarios(),
  ...maintenanceScenarios(),
  ...submissionScenarios(),
  ...bulkScenarios(),
];
const files = readdirSync(directory).toSorted((a, b) => a.localeCompare(b));

interface RecordedEvent {
  readonly eventId: string;
  readonly eventType: string;
  [attributes: string]: unknown;
}

/** A history as `scripts/record-histories.ts` wrote it, fresh at each call: replaying may change it. */
function read(file: string): { events: RecordedEvent[] } {
  const content = readFileSync(join(directory, file));
  const text = file.endsWith('.gz') ? gunzipSync(content).toString() : content.toString();
  return JSON.parse(text) as { events: RecordedEvent[] };
}

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(import.meta.dirname, '../../workflows/index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
}, 60_000);

function replay(history: object): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle }, history);
}

describe('recorded histories', () => {
  it.each(files)('%s replays against the workflows of today (R50)', async (file) => {
    await expect(replay(read(file))).resolves.toBeUndefined();
  });

  it('every path that can be played is recorded, and nothing else is kept (issue 3)', () => {
    const recorded = files.map((file) => file.replace(/\.json(\.gz)?$/, ''));
    expect(recorded).toEqual(
      scenarios.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b)),
    );
  });

  it('a workflow that had taken another turn would be noticed (issue 3)', async () => {
    const history = read('swarm-completed.json');
    const scheduled = history.events.find(
      ({ eventType }) => eventType === 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED',
    );
    const attributes = scheduled?.['activityTaskScheduledEventAttributes'] as {
      activityType: { name: string };
    };
    attributes.activityType.name = 'somethingElse';
    await expect(replay(history)).rejects.toBeInstanceOf(DeterminismViolationError);
  });

  it('name no machine and no directory of one (engineering 3.3)', () => {
    for (const file of files) {
      const text = JSON.stringify(read(file));
      expect(text).not.toMatch(/\/(home|root|work|Users)\//);
      expect(new Set(text.match(/"identity":"[^"]*"/g))).toEqual(
        new Set(['"identity":"recorder"']),
      );
    }
  });
});

/** A real gateway that Dash only connects to: its owner is the test, which may kill and start it. */
import { expect } from '@jest/globals';
import { readInstallation } from '../../src/db/installation-store.ts';
import { registerGateway } from '../../src/db/gateway-store.ts';
import { taskAttempts, type AttemptRow } from '../../src/db/attempt-record.ts';
import { taskEvents } from '../../src/db/event-store.ts';
import { gatewaySessionKey, taskWorkflowId } from '../../src/domain/names.ts';
import { sealSecret } from '../../src/platform/secret-box.ts';
import type { TestDash } from './dash.ts';
import { eventually } from './eventually.ts';
import type { RealGateway } from './real-gateway.ts';
import { readTranscript, type Transcript } from './real-witness.ts';

/** Registers it and waits until the host that is there has it open. */
export async function adoptRealGateway(
  dash: TestDash,
  real: RealGateway,
  gatewayId: string,
): Promise<void> {
  await registerGateway(dash.database.db, {
    id: gatewayId,
    kind: 'adopted',
    endpoint: real.endpoint,
    labels: {},
    configuredLanes: 4,
    sealedToken: sealSecret(dash.secretKey, real.token),
    actor: 'test',
  });
  await dash.messages.ensureGateway(gatewayId);
  await eventually(async () => (await dash.gateway(gatewayId)).state === 'open', {
    timeoutMs: 60_000,
    what: `gateway ${gatewayId} to open`,
  });
}

/** Waits until another host than before owns the gateway. */
export async function ownedBy(dash: TestDash, gatewayId: string, hostId: string): Promise<void> {
  await eventually(async () => (await dash.gateway(gatewayId)).ownerHost === hostId, {
    timeoutMs: 60_000,
    what: `${hostId} to own ${gatewayId}`,
  });
}

/**
 * Waits until the run of a task is followed by this host: its activity has lived there for longer than its first look
 * at the gateway takes. A host that would send again has done so by then.
 */
export async function followedBy(dash: TestDash, taskId: string, hostId: string): Promise<void> {
  const handle = dash.temporal.client.workflow.getHandle(taskWorkflowId(taskId));
  const millis = (at: Timestamp | null | undefined): number =>
    Number(at?.seconds ?? 0) * 1_000 + Number(at?.nanos ?? 0) / 1e6;
  await eventually(
    async () => {
      const { raw } = await handle.describe();
      const [run] = raw.pendingActivities ?? [];
      const livedMs = millis(run?.lastHeartbeatTime) - millis(run?.lastStartedTime);
      return run?.lastWorkerIdentity === hostId && livedMs >= LOOKED_AFTER_MS;
    },
    { timeoutMs: 60_000, everyMs: 100, what: `${hostId} to follow ${taskId}` },
  );
}

const LOOKED_AFTER_MS = 1_000;

type Timestamp = { readonly seconds?: unknown; readonly nanos?: number | null };

/** A task without a session, as its rows and its gateway tell it. */
export interface TaskStory {
  readonly attempts: readonly Pick<
    AttemptRow,
    'number' | 'state' | 'outcome' | 'runIds' | 'recoveryRunIds'
  >[];
  readonly events: readonly string[];
  readonly transcript: Transcript;
}

export async function storyOf(
  dash: TestDash,
  real: RealGateway,
  taskId: string,
): Promise<TaskStory> {
  const { db } = dash.database;
  const [{ id: installation }, attempts, { events }] = await Promise.all([
    readInstallation(db),
    taskAttempts(db, taskId),
    taskEvents(db, { taskId, limit: 1_000 }),
  ]);
  const sessionKey = gatewaySessionKey({ agentId: 'main', installation, taskId, session: null });
  return {
    attempts: attempts.map(({ number, state, outcome, runIds, recoveryRunIds }) => ({
      number,
      state,
      outcome,
      runIds,
      recoveryRunIds,
    })),
    events: events.map(({ type }) => type),
    transcript: await readTranscript(real, sessionKey),
  };
}

/** The story of a task that was sent once and answered once, whatever happened around it. */
export function answeredOnce(taskId: string, answer: string): TaskStory {
  const runIds = [`${taskId}-a1`];
  return {
    attempts: [{ number: 1, state: 'closed', outcome: 'succeeded', runIds, recoveryRunIds: [] }],
    events: ['task.accepted', 'task.dispatched', 'attempt.accepted', 'task.completed'],
    transcript: { asked: runIds, resumed: [], answers: [answer] },
  };
}

/** The story of a task whose gateway was killed in its turn and resumed it once under a run id of its own. */
export function resumedOnce(taskId: string, answer: string): unknown {
  const { attempts, events, transcript } = answeredOnce(taskId, answer);
  const recoveryRunIds = [expect.not.stringMatching(`^${taskId}`)];
  return {
    attempts: attempts.map((attempt) => ({ ...attempt, recoveryRunIds })),
    events: events.toSpliced(-1, 0, 'attempt.recovery-adopted'),
    transcript: { ...transcript, resumed: recoveryRunIds },
  };
}

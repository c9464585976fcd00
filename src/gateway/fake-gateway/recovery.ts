import { RECOVERY_PREFIX } from '../transcript.ts';
import type { BootParts } from './boot-parts.ts';
import type { LiveRun } from './live-run.ts';
import { waitFor } from './script.ts';

const RECOVERY_MESSAGE = `${RECOVERY_PREFIX} while OpenClaw was waiting on tool/model work. The restart did not cancel the user's task. Continue from the existing transcript and finish the task.`;
const LEDGER_WORDS = 'Task execution process exited before restart.';
/** A gateway charges this many attempts to one interrupted turn. */
const MAX_RECOVERIES = 3;

/** What a boot finds after the one before it ended without finishing its work. */
export function bookInterrupted(boot: Pick<BootParts, 'state' | 'clock'>): void {
  const atMs = boot.clock.now();
  for (const task of boot.state.tasks()) {
    if (task.status !== 'running') continue;
    boot.state.putTask({
      ...task,
      status: 'cancelled',
      execution: 'finished',
      updatedAt: atMs,
      endedAt: atMs,
      error: LEDGER_WORDS,
    });
  }
  for (const session of boot.state.sessions()) {
    const pending = session.pending.map((item) =>
      item.state === 'queued' ? { ...item, state: 'interrupted' as const } : item,
    );
    const wasOpen = session.openRunId !== null;
    if (session.pending.some((item) => item.state === 'queued')) {
      boot.state.patch(session.key, { pending });
    }
    if (wasOpen) boot.state.patch(session.key, { abortedLastRun: true, status: 'running' });
  }
}

/**
 * Resumes every interrupted turn under a new run id, the first one `delayMs` after the boot is ready, each other one
 * when the one before it has ended; null: never, as when the gateway has given up on them.
 */
export async function recoverTurns(boot: BootParts, delayMs: number | null): Promise<void> {
  if (delayMs === null) return;
  const open = boot.state.sessions().filter((session) => session.openRunId !== null);
  if (open.length === 0 || !(await waitFor(boot.clock, delayMs, boot.ended))) return;
  for (const { key } of open) {
    const session = boot.state.session(key);
    if (session === null || session.openRunId === null) continue;
    if (session.recoveries >= MAX_RECOVERIES || boot.engine.liveRuns(key).length > 0) continue;
    const run = boot.engine.accept({
      runId: crypto.randomUUID(),
      sessionKey: key,
      agentId: session.agentId,
      message: RECOVERY_MESSAGE,
      prompt: session.openPrompt ?? '',
      origin: 'recovery',
      resumes: session.openRunId,
      timeoutMs: null,
    });
    void boot.engine.release(run);
    await endOf(run, boot.ended);
    if (boot.ended.aborted) return;
  }
}

/** Resolves when the run has ended, or its boot. */
function endOf(run: LiveRun, boot: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    run.onEnd.add(() => resolve());
    boot.addEventListener('abort', () => resolve(), { once: true });
  });
}

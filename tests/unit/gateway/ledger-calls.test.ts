import { describe, expect, test } from '@jest/globals';

import { resumesTurns } from '../../../src/gateway/ledger-calls.ts';
import { RECOVERY_PREFIX } from '../../../src/gateway/transcript.ts';

const recovery = {
  runId: 'b1f6',
  sessionKey: 'agent:main:person',
  status: 'running',
  execution: { state: 'running' },
  title: `${RECOVERY_PREFIX} while OpenClaw…`,
};

/** A gateway whose ledger lists these rows and whose sessions are busy, or idle. */
function resumes(tasks: readonly unknown[], hasActiveRun: unknown = true): Promise<boolean> {
  return resumesTurns(async (method) =>
    method === 'tasks.list' ? { tasks } : { messages: [], sessionInfo: { hasActiveRun } },
  );
}

describe('a gateway resumes a turn', () => {
  test('while a run with the title of a recovery executes or is queued, in whatever session (P22.5)', async () => {
    expect(await resumes([recovery])).toBe(true);
    expect(await resumes([{ ...recovery, status: 'queued', execution: undefined }])).toBe(true);
    expect(await resumes([recovery], undefined)).toBe(true);
  });

  test('not while other work executes, however much (P22.5)', async () => {
    expect(await resumes([])).toBe(false);
    expect(await resumes([{ ...recovery, title: 'Fix the build' }])).toBe(false);
    expect(await resumes([{ ...recovery, title: undefined }])).toBe(false);
  });

  test('not when only the ledger still says so: its session is idle, or the run is over (P22.5)', async () => {
    expect(await resumes([recovery], false)).toBe(false);
    expect(await resumes([{ ...recovery, execution: { state: 'finished' } }])).toBe(false);
  });
});

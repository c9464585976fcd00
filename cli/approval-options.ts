import { z } from 'zod';
import type { SubmitTask } from '../src/contract/task-dto.ts';
import { EXPIRY_POLICIES } from '../src/domain/approval.ts';
import type { OptionSpec } from './command.ts';
import { defined, flag, spanSeconds, textList } from './fields.ts';

/** How a command line asks for a person's word before a task starts. */

export const approvalOptions: readonly OptionSpec[] = [
  { flags: '--approval', help: 'hold it, in its place, until a person has approved it' },
  { flags: '--approval-prompt <text>', help: 'what that person is asked (the task itself)' },
  {
    flags: '--approver <name>',
    help: 'API key that may decide; may be given several times (anybody who may write approvals)',
    repeatable: true,
  },
  { flags: '--approval-expires <span>', help: 'time to decide (without end)' },
  {
    flags: '--approval-on-expiry <policy>',
    help: 'what happens when nobody decided in time (reject)',
    choices: EXPIRY_POLICIES,
  },
  {
    flags: '--escalate-to <name>',
    help: 'with `escalate`: API key that is asked then; may be given several times',
    repeatable: true,
  },
  {
    flags: '--escalate-after <span>',
    help: 'with `escalate`: when, if not after --approval-expires',
  },
];

export const approvalInput = {
  approval: flag,
  approvalPrompt: z.string().optional(),
  approver: textList,
  approvalExpires: spanSeconds.optional(),
  approvalOnExpiry: z.enum(EXPIRY_POLICIES).optional(),
  escalateTo: textList,
  escalateAfter: spanSeconds.optional(),
};

const input = z.object(approvalInput);

/** The gate, when any of its options was given. */
export function approvalOf(given: z.output<typeof input>): Pick<SubmitTask, 'approval'> {
  const gate = defined({
    prompt: given.approvalPrompt,
    approvers: given.approver,
    expiresInSeconds: given.approvalExpires,
    onExpiry: given.approvalOnExpiry,
    escalateTo: given.escalateTo,
    escalateAfterSeconds: given.escalateAfter,
  });
  return given.approval || Object.keys(gate).length > 0 ? { approval: gate } : {};
}

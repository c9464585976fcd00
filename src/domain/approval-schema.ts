import { z } from 'zod';
import { EXPIRY_POLICIES, type ApprovalGate } from './approval.ts';

/** How an approval is written, on a task and in a swarm's step alike. */

const LONGEST_SECONDS = 90 * 86_400;

const seconds = z
  .int()
  .min(1, 'must be at least 1')
  .max(LONGEST_SECONDS, 'must be at most 90 days');

const approverNames = z
  .array(z.string().min(1, 'must not be empty').max(200, 'must be at most 200 characters'))
  .min(1, 'must name somebody')
  .max(50, 'must be at most 50');

/** Who is asked and for how long: the part that a gate and a step have in common. */
export const approvalTerms = {
  approvers: approverNames.optional().meta({
    description:
      'Who may decide: names of API keys, or actors as events show them (`key:<id>`). Default: every key with the scope approvals:write',
  }),
  expiresInSeconds: seconds
    .optional()
    .meta({ description: 'Time in which whoever is asked has to decide; default: without end' }),
  onExpiry: z.enum(EXPIRY_POLICIES).default('reject').meta({
    description: 'What happens when nobody decided in time; after an escalation: reject',
  }),
  escalateTo: approverNames
    .optional()
    .meta({ description: 'With onExpiry escalate: who is asked then, instead' }),
  escalateAfterSeconds: seconds.optional().meta({
    description:
      'With onExpiry escalate: when it is escalated, if not after expiresInSeconds; those asked then have expiresInSeconds',
  }),
};

interface WrittenTerms {
  readonly expiresInSeconds?: number | undefined;
  readonly onExpiry: ApprovalGate['onExpiry'];
  readonly escalateTo?: readonly string[] | undefined;
  readonly escalateAfterSeconds?: number | undefined;
}

/** What does not go together, each at the field that would mend it. */
export function checkApprovalTerms(context: {
  readonly value: WrittenTerms;
  readonly issues: z.core.$ZodRawIssue[];
}): void {
  const { value } = context;
  const say = (field: keyof WrittenTerms, message: string): void => {
    context.issues.push({ code: 'custom', input: value[field], path: [field], message });
  };
  const { onExpiry, expiresInSeconds, escalateTo, escalateAfterSeconds } = value;
  if (onExpiry === 'approve' && expiresInSeconds === undefined) {
    say('expiresInSeconds', 'is needed with onExpiry approve: without it nothing ever expires');
  }
  if (onExpiry === 'escalate') {
    if (escalateTo === undefined) say('escalateTo', 'is needed with onExpiry escalate');
    if (expiresInSeconds === undefined && escalateAfterSeconds === undefined) {
      const message =
        'is needed with onExpiry escalate (or escalateAfterSeconds): without it nothing ever expires';
      say('expiresInSeconds', message);
    }
    return;
  }
  if (escalateTo !== undefined) say('escalateTo', 'means nothing unless onExpiry is escalate');
  if (escalateAfterSeconds !== undefined) {
    say('escalateAfterSeconds', 'means nothing unless onExpiry is escalate');
  }
}

/** The terms as they are stored. */
export function approvalGateOf(
  terms: WrittenTerms & { readonly approvers?: readonly string[] | undefined },
  prompt: string | null,
): ApprovalGate {
  return {
    prompt,
    approvers: terms.approvers ?? null,
    expiresInSeconds: terms.expiresInSeconds ?? null,
    onExpiry: terms.onExpiry,
    escalateTo: terms.escalateTo ?? null,
    escalateAfterSeconds: terms.escalateAfterSeconds ?? null,
  };
}

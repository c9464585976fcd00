import { z } from 'zod';
import { BUDGET_NAME_FORMS, readBudgetName } from '../domain/budget.ts';
import { PRIORITIES, type PriorityName } from '../domain/task.ts';
import { LIMITS } from './limits.ts';

/**
 * Schemas that several resources share. Names are refused when a character does not fit, never folded: a
 * gateway lower-cases session keys, so folding here would merge two sessions into one.
 */

const NAME = /^[a-z0-9-]{1,40}$/;
const NAME_HINT = 'must be 1 to 40 characters out of a-z, 0-9 and -';

export const tenantName = z
  .string()
  .regex(NAME, `a tenant ${NAME_HINT}`)
  .meta({ description: 'Tenant', example: 'default' });
export const poolName = z
  .string()
  .regex(NAME, `a pool ${NAME_HINT}`)
  .meta({ description: 'Pool of gateways', example: 'default' });
export const gatewayName = z
  .string()
  .regex(NAME, `a gateway id ${NAME_HINT}`)
  .meta({ description: 'Gateway id; never used again after removal', example: 'local' });
export const sessionKey = z
  .string()
  .regex(
    /^[a-z0-9._-]{1,100}$/,
    'a session key must be 1 to 100 characters out of a-z, 0-9, ., _ and -',
  )
  .meta({
    description: 'Conversation with one writer: its tasks run one at a time, in order',
    example: 'release-notes',
  });

export const label = z
  .string()
  .regex(
    /^[A-Za-z0-9._/-]{1,100}$/,
    'a label must be 1 to 100 characters out of A-Z, a-z, 0-9, ., _, / and -',
  );
export const labels = z.record(label, label);
export const regionName = z
  .string()
  .regex(NAME, `a region ${NAME_HINT}`)
  .meta({ description: 'Region', example: 'eu-1' });

/** Ids that Dash made; anything that could not be one is simply not found. */
export const taskId = z.string().min(1).max(100).meta({ description: 'Task id' });
export const approvalId = z.string().min(1).max(100).meta({ description: 'Approval id' });
export const scheduleId = z.string().min(1).max(100).meta({ description: 'Schedule id' });
export const swarmId = z.string().min(1).max(100).meta({ description: 'Swarm id' });

export const agentName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    'an agent must be 1 to 64 characters out of a-z, 0-9, ., _ and -',
  )
  .meta({ description: 'Agent of the gateway', example: 'main' });

const PRIORITY_NAMES = Object.keys(PRIORITIES) as [PriorityName, ...PriorityName[]];
export const priority = z
  .enum(PRIORITY_NAMES)
  .meta({ description: 'critical before high before normal before low before background' });

export const budgetName = z
  .string()
  .refine((name) => readBudgetName(name) !== null, `a budget is named ${BUDGET_NAME_FORMS}`)
  .meta({ description: `Name of a budget: ${BUDGET_NAME_FORMS}`, example: 'tenant:default' });

/** A budget as answers show it. */
export const budgetLimit = z
  .object({
    usd: z.number().nullable(),
    tokens: z.number().nullable(),
  })
  .meta({ id: 'BudgetLimit', description: 'null: no limit of this kind' });
export const amounts = z
  .object({ usd: z.number(), tokens: z.number() })
  .meta({ id: 'Amounts', description: 'USD and tokens' });

/** A moment in ISO 8601, UTC or with offset. */
export const moment = z.iso.datetime({ offset: true }).meta({ example: '2026-11-22T15:00:00Z' });

/** A moment that a client names; years outside of 2000 to 2999 are slips, and PostgreSQL need not see them. */
export const namedMoment = z.iso
  .datetime({ offset: true, abort: true, error: 'must be a moment like 2026-11-22T15:00:00Z' })
  .refine((text) => /^2\d{3}-/.test(text), 'must lie in the years 2000 to 2999')
  .meta({ example: '2026-11-22T15:00:00Z' });

/** Text that is refused with 413 (not 422) when its UTF-8 form is larger than `limitBytes`. */
export function boundedText(name: string, limitBytes: number): z.ZodString {
  return z.string().check((context) => {
    const sizeBytes = new TextEncoder().encode(context.value).byteLength;
    if (sizeBytes <= limitBytes) return;
    context.issues.push({
      code: 'custom',
      input: context.value,
      message: `the ${name} has ${sizeBytes} bytes; the limit is ${limitBytes} bytes`,
      params: { limitBytes, sizeBytes },
    });
  });
}

export const prompt = boundedText('prompt', LIMITS.promptBytes)
  .min(1, 'the prompt is empty')
  .meta({ description: 'What the agent is asked to do; at most 256 KiB of UTF-8' });

/** A query parameter with several values, separated by commas. */
export function commaList<Item extends z.ZodType>(item: Item): z.ZodPreprocess<z.ZodArray<Item>> {
  return z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',') : value),
      z.array(item).min(1),
    )
    .meta({ param: { style: 'form', explode: false } });
}

export const pageLimit = z.coerce
  .number()
  .int()
  .min(1)
  .max(LIMITS.pageSize)
  .default(50)
  .meta({ description: `Rows of the page, at most ${LIMITS.pageSize}` });

/** Where the next page goes on; opaque to clients. */
export const pageCursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,200}$/, 'a cursor is taken from nextCursor of the page before')
  .meta({ description: 'nextCursor of the page before' });

/** The answer of every list route. */
export function pageOf<Item extends z.ZodType>(
  item: Item,
  id: string,
): z.ZodObject<{ items: z.ZodArray<Item>; nextCursor: z.ZodNullable<z.ZodString> }> {
  return z
    .object({
      items: z.array(item),
      nextCursor: z.string().nullable().meta({ description: 'null: this was the last page' }),
    })
    .meta({ id });
}

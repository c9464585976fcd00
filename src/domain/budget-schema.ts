import { z } from 'zod';

/** What a client may ask to be the limit of something: both limits count, one is enough. */
const limits = {
  usd: z
    .number('must be a number of USD greater than 0')
    .positive('must be greater than 0')
    .max(1e9, 'must be at most 1000000000')
    .optional()
    .meta({ description: "USD, as the gateways reckon it by their models' prices" }),
  tokens: z
    .int('must be a whole number of tokens, at least 1')
    .min(1, 'must be at least 1')
    .max(1e12, 'must be at most 1000000000000')
    .optional()
    .meta({ description: 'Tokens, those of prompts and of answers' }),
};

const NONE = 'must have a limit: usd, tokens, or both';

export const budgetLimits = z
  .strictObject(limits)
  .refine(({ usd, tokens }) => usd !== undefined || tokens !== undefined, NONE)
  .meta({ id: 'BudgetLimits' });

export const periodicBudget = z
  .strictObject({
    ...limits,
    period: z
      .enum(['total', 'day', 'month'])
      .default('total')
      .meta({ description: 'Counts anew each day or month, from midnight UTC on; total: never' }),
  })
  .refine(({ usd, tokens }) => usd !== undefined || tokens !== undefined, NONE)
  .meta({ id: 'PutBudget' });

/** As rows have it. */
export function budgetOf(
  given: z.output<typeof budgetLimits> | undefined,
): { readonly usd: number | null; readonly tokens: number | null } | null {
  return given === undefined ? null : { usd: given.usd ?? null, tokens: given.tokens ?? null };
}

import { z } from 'zod';

const LABEL = /^[A-Za-z0-9._/-]{1,100}$/;
const LABEL_HINT = 'must be 1 to 100 characters out of A-Z, a-z, 0-9, ., _, / and -';
const label = z.string().regex(LABEL, `a label ${LABEL_HINT}`);

/**
 * What a task may ask of its gateway instead of naming a pool: labels, a region, capabilities, at least one of them.
 * Resolved at accept to a pool that promises all of it.
 */
export const requirements = z
  .strictObject({
    labels: z.record(label, label).optional(),
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/, 'a region must be 1 to 40 characters out of a-z, 0-9 and -')
      .optional(),
    capabilities: z
      .array(z.string().regex(LABEL, `a capability ${LABEL_HINT}`))
      .max(100)
      .optional(),
  })
  .refine(
    ({ labels = {}, region, capabilities = [] }) =>
      Object.keys(labels).length + capabilities.length > 0 || region !== undefined,
    'asks for nothing: name labels, a region or capabilities, or leave it out',
  )
  .meta({
    id: 'Requirements',
    description:
      'What the gateway must have: resolved at submit to the least specific pool that promises all of it',
  });
export type Requirements = z.output<typeof requirements>;

/** Said wherever a pool and requirements are given for the same task. */
export const EITHER_POOL_OR_REQUIREMENTS =
  'a pool is named as well; give either a pool or requirements, not both';

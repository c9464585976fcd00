import { z } from 'zod';

/** One thing that is wrong with a request: where, and what. */
export const validationIssue = z
  .object({
    /** `body.tasks[2].prompt`, `query.limit`, `header.Idempotency-Key`. */
    path: z.string(),
    message: z.string(),
  })
  .meta({ id: 'ValidationIssue' });
export type ValidationIssue = z.infer<typeof validationIssue>;

/** RFC 9457 problem document: the body of every answer that is not 2xx. */
export const problem = z
  .object({
    type: z
      .string()
      .meta({ description: 'Page that explains the code', example: '/docs#task-not-found' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened and what to do' }),
    instance: z.string().meta({ description: 'The path that was asked' }),
    code: z.string().meta({ description: 'Stable name of the error', example: 'task-not-found' }),
    retryable: z.boolean().meta({ description: 'The same request may succeed later' }),
    requestId: z.string(),
    details: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;

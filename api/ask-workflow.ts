import { WorkflowNotFoundError } from '@temporalio/client';
import { AppError } from '../src/contract/errors.ts';

/**
 * Asks a workflow something that only it can answer. One that does not run (Temporal was away when its row was
 * written) is started first. No answer is a problem of its own, 503: the command can be repeated safely.
 */
export async function askWorkflow<Answer>(options: {
  readonly what: string;
  readonly ask: () => Promise<Answer>;
  readonly start: () => Promise<void>;
}): Promise<Answer> {
  try {
    return await options.ask();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw noAnswer(options.what, error);
  }
  try {
    await options.start();
    return await options.ask();
  } catch (error) {
    throw noAnswer(options.what, error);
  }
}

function noAnswer(what: string, cause: unknown): AppError {
  return new AppError({
    code: 'temporal-unavailable',
    detail: `The workflow of ${what} gave no answer in time, so whether the command was recorded is not known. Repeat it shortly; look whether Temporal and a control worker run.`,
    cause,
  });
}

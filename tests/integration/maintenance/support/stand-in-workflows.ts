import { condition, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';

/**
 * Workflows with the names and messages of the real ones that only remember what they were told: what reconcile
 * does to a workflow is seen here, what a workflow does is tested elsewhere.
 */

export const toldQuery = defineQuery<readonly unknown[]>('told');

async function remember(input: unknown, signals: readonly string[]): Promise<void> {
  const told: unknown[] = [input];
  let over = false;
  for (const name of signals) {
    setHandler(defineSignal<[unknown?]>(name), (content) => {
      told.push(content === undefined ? name : { [name]: content });
    });
  }
  setHandler(defineSignal('finish'), () => {
    over = true;
  });
  setHandler(toldQuery, () => told);
  await condition(() => over);
}

export function taskWorkflow(input: unknown): Promise<void> {
  return remember(input, ['dispatched', 'cancel', 'decide']);
}

export function swarmWorkflow(input: unknown): Promise<void> {
  return remember(input, ['news']);
}

export function gatewayWorkflow(input: unknown): Promise<void> {
  return remember(input, ['recover', 'drain']);
}

export function dashboardChainWorkflow(input: unknown): Promise<void> {
  return remember(input, []);
}

export function submissionWorkflow(input: unknown): Promise<void> {
  return remember(input, ['ended']);
}

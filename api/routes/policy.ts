import { actorOf } from '../../src/auth/credential.ts';
import type { policyRoutes } from '../../src/contract/policy.ts';
import { readOutcomePolicy, setOutcomePolicy } from '../../src/db/outcome-policy.ts';
import type { Handlers } from '../handler.ts';
import { defined } from '../replay-edits.ts';

export const policyHandlers: Handlers<typeof policyRoutes> = {
  get: async (deps) => ({ status: 200, body: await readOutcomePolicy(deps.db) }),
  set: async (deps, { body, credential }) => {
    const change = defined(body);
    const actor = actorOf(credential);
    return { status: 200, body: await setOutcomePolicy(deps.db, { change, actor }) };
  },
};

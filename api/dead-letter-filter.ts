import type { Credential } from '../src/auth/credential.ts';
import type { DeadLetterQuery } from '../src/contract/dead-letters.ts';
import type { DeadLetterFilter } from '../src/db/dead-letter-store.ts';
import { defined } from './replay-edits.ts';
import { tenantInView } from './tenancy.ts';

/** A filter as the rows name it, within what the credential may see. */
export function deadLetterFilterOf(
  credential: Credential,
  asked: Omit<DeadLetterQuery, 'state'> & Pick<Partial<DeadLetterQuery>, 'state'>,
): DeadLetterFilter {
  return defined({
    states: asked.state,
    reasons: asked.reason,
    tenant: tenantInView(credential, asked.tenant),
    pool: asked.pool,
    sessionKey: asked.session,
    swarmId: asked.swarm,
    gatewayId: asked.gateway,
    failureClasses: asked.failureClass,
    from: utc(asked.from),
    to: utc(asked.to),
  });
}

/** PostgreSQL knows offsets up to 16 hours only, ISO 8601 all below 24. */
function utc(moment: string | undefined): string | undefined {
  return moment === undefined ? undefined : new Date(moment).toISOString();
}

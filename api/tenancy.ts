import type { Credential } from '../src/auth/credential.ts';
import { TASK_DEFAULTS } from '../src/domain/task-defaults.ts';
import { AppError } from '../src/contract/errors.ts';

/** The tenant that new work belongs to: the credential's own; one for all tenants may name it. */
export function tenantOfWork(credential: Credential, named: string | undefined): string {
  return tenantInView(credential, named) ?? TASK_DEFAULTS.tenant;
}

/** The tenant that a list is limited to; undefined: none. */
export function tenantInView(
  credential: Credential,
  named: string | undefined,
): string | undefined {
  if (credential.tenant === null) return named;
  if (named === undefined || named === credential.tenant) return credential.tenant;
  throw new AppError({
    code: 'tenant-not-allowed',
    detail: `This API key belongs to tenant "${credential.tenant}" and cannot act for "${named}". Leave the tenant out, or use a key for all tenants.`,
    details: { tenant: credential.tenant },
  });
}

/** Whether something of `tenant` may be seen. What may not is answered like what does not exist. */
export function maySee(credential: Credential, tenant: string): boolean {
  return credential.tenant === null || credential.tenant === tenant;
}

/** Whether something that works for `allowedTenants` (null: all) may be seen: what never does for the credential's may not. */
export function mayUse(credential: Credential, allowedTenants: readonly string[] | null): boolean {
  return (
    credential.tenant === null ||
    allowedTenants === null ||
    allowedTenants.includes(credential.tenant)
  );
}

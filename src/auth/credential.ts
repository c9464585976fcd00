/** Who asks: an API key that was found, is valid, and what it may do. */
export interface Credential {
  readonly keyId: string;
  readonly name: string;
  /** null: every tenant, and the fleet that all tenants share. */
  readonly tenant: string | null;
  readonly scopes: readonly string[];
}

/** How a credential is named in rows and events. */
export function actorOf(credential: Credential): string {
  return `key:${credential.keyId}`;
}

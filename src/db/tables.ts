import type { ColumnType } from 'kysely';

/**
 * The columns that Kysely queries name; the functions of `functions/` know the rest. Times and bigints come back as
 * `database.ts` parses them.
 */
export interface Tables {
  tasks: {
    id: string;
    seq: number;
    tenant: string;
    pool: string;
    session_key: string | null;
    priority: number;
    state: string;
    swarm_id: string | null;
    node_id: string | null;
    output: string | null;
    output_blob: number | null;
  };
  blobs: { id: number; body: string };
  swarms: { id: string; seq: number; tenant: string; state: string };
  swarm_nodes: { swarm_id: string; node_id: string; template: unknown };
  sessions: {
    id: number;
    tenant: string;
    key: string;
    gateway_id: string | null;
  };
  gateway_credentials: {
    gateway_id: string;
    sealed_token: Buffer;
    updated_at: ColumnType<string, never, never>;
  };
  api_keys: {
    id: string;
    name: string;
    secret_hash: Buffer;
    tenant: string | null;
    scopes: string[];
    created_at: string;
    expires_at: string | null;
    revoked_at: string | null;
    last_used_at: string | null;
  };
}

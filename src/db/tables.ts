import type { ColumnType } from 'kysely';

/**
 * The columns that Kysely queries name; the functions of `functions/` know the rest. Values come back as
 * `database.ts` parses them: times as ISO 8601 in UTC, bigint as number.
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
    open: boolean;
    swarm_id: string | null;
    schedule_id: string | null;
    node_id: string | null;
    output: string | null;
    output_blob: number | null;
  };
  blobs: { id: number; body: string };
  swarm_nodes: { swarm_id: string; node_id: string; template: unknown };
  gateway_credentials: {
    gateway_id: string;
    sealed_token: Buffer;
    updated_at: ColumnType<string, undefined, string>;
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

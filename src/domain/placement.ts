import { assertNever } from './assert-never.ts';
import type { Requirements } from './requirements.ts';

/** What work asks for: a pool by name, or what it requires of one. */
export interface Place {
  readonly pool: string | null;
  readonly requirements: Requirements | null;
}

/** Why work has no place: the answer of every way to accept it. */
export type Misplaced =
  | {
      readonly kind: 'unknown-pool' | 'tenant-not-in-pool';
      readonly pool: string;
      /** null: of several tenants. */
      readonly tenant: string | null;
      /** Pools that take the tenant's work; at most 50. */
      readonly pools: readonly string[];
    }
  | {
      readonly kind: 'unmet-requirements';
      /** Every pool with what it does not promise, the nearest first; at most 50. */
      readonly pools: readonly { readonly id: string; readonly lacks: readonly string[] }[];
    };

/** The refusal in one sentence for a person, with what could be chosen instead. */
export function explainMisplaced(refused: Misplaced): string {
  switch (refused.kind) {
    case 'unknown-pool':
      return `there is no pool "${refused.pool}"; ${choice(refused)}`;
    case 'tenant-not-in-pool':
      return `pool "${refused.pool}" does not take work of tenant "${refused.tenant}"; ${choice(refused)}`;
    case 'unmet-requirements': {
      const lacking = refused.pools.map(({ id, lacks }) => `"${id}" lacks ${lacks.join(', ')}`);
      return `no pool promises all of this: ${lacking.join('; ')}`;
    }
    default:
      return assertNever(refused);
  }
}

function choice({
  tenant,
  pools,
}: {
  readonly tenant: string | null;
  readonly pools: readonly string[];
}): string {
  if (tenant === null) return `pools: ${pools.join(', ')}`;
  return pools.length === 0
    ? `no pool takes work of tenant "${tenant}"`
    : `pools of tenant "${tenant}": ${pools.join(', ')}`;
}

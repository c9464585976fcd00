/**
 * The list of origins that a gateway is to have: what others have put there stays in its place, what Dash has put there
 * and no longer wants goes, what is missing comes last. `placed`: what of it is Dash's. Never `*` (R61).
 */
export function patchedOrigins({
  contract,
  configured,
  placed,
}: {
  readonly contract: readonly string[];
  readonly configured: readonly string[];
  readonly placed: readonly string[];
}): { readonly origins: readonly string[]; readonly placed: readonly string[] } {
  const kept = configured.filter((origin) => !placed.includes(origin) || contract.includes(origin));
  const missing = contract.filter((origin) => !kept.includes(origin));
  return {
    origins: [...kept, ...missing],
    placed: [...placed.filter((origin) => kept.includes(origin)), ...missing],
  };
}

/** Bounds of one swarm; apart from the schema, so that workflows need not bundle it. */
export const MAX_SWARM_NODES = 1_000;
export const DEFAULT_MAX_PARALLEL = 20;

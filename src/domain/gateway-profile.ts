/**
 * What a managed gateway has for itself on its machine, and what two of them must never share (R19): OpenClaw keeps
 * sessions, locks and pairing in the state directory and writes its configuration itself, so two gateways on one of
 * either lose work without a word.
 */

export interface GatewayProfile {
  readonly gatewayId: string;
  /** Profiles of different machines share nothing. */
  readonly hostId: string;
  /** Absolute paths, as the machine writes them. */
  readonly stateDir: string;
  readonly configPath: string;
  readonly workspaceDir: string;
  /** The base port; the gateway takes others above it, see `PORTS_APART`. */
  readonly port: number;
  readonly hasBrowser: boolean;
}

/**
 * Least distance of two base ports. OpenClaw's browser control listens at base + 2 and its browsers at base + 11 to
 * base + 110; without the browser plugin only the base is bound, and the distance leaves room for what comes.
 */
export const PORTS_APART = { plain: 20, withBrowser: 120 } as const;

const HIGHEST_PORT = 65_535;

export const PROFILE_CONFLICTS = ['state-dir', 'config', 'workspace', 'port'] as const;

export interface ProfileConflict {
  readonly what: (typeof PROFILE_CONFLICTS)[number];
  /** Both gateways, in the order of their ids. */
  readonly gateways: readonly [string, string];
  /** The path or the ports. */
  readonly detail: string;
}

/** Everything that two profiles of one machine share; empty: each has its own. */
export function profileConflicts(profiles: readonly GatewayProfile[]): readonly ProfileConflict[] {
  const sorted = profiles.toSorted((a, b) => (a.gatewayId < b.gatewayId ? -1 : 1));
  return sorted.flatMap((first, index) =>
    sorted
      .slice(index + 1)
      .filter((second) => second.hostId === first.hostId)
      .flatMap((second) => conflictsOf(first, second)),
  );
}

function conflictsOf(first: GatewayProfile, second: GatewayProfile): ProfileConflict[] {
  const gateways = [first.gatewayId, second.gatewayId] as const;
  const shared: ProfileConflict[] = [];
  const nest = (what: ProfileConflict['what'], one: string, other: string): void => {
    const inner = nestedIn(one, other);
    if (inner !== null) shared.push({ what, gateways, detail: inner });
  };
  nest('state-dir', first.stateDir, second.stateDir);
  nest('config', first.configPath, second.configPath);
  nest('workspace', first.workspaceDir, second.workspaceDir);
  // Agents write into their workspace: not into what another gateway lives on.
  nest('workspace', first.workspaceDir, second.stateDir);
  nest('workspace', first.stateDir, second.workspaceDir);
  if (Math.abs(first.port - second.port) < Math.max(distanceOf(first), distanceOf(second))) {
    shared.push({ what: 'port', gateways, detail: `${first.port} and ${second.port}` });
  }
  return shared;
}

/** The inner one of two paths that are the same, or one inside the other; null: neither. */
function nestedIn(one: string, other: string): string | null {
  const [a, b] = [one, other].map((path) => `${path.replace(/\/+$/, '')}/`) as [string, string];
  if (a.startsWith(b)) return one;
  return b.startsWith(a) ? other : null;
}

function distanceOf({ hasBrowser }: Pick<GatewayProfile, 'hasBrowser'>): number {
  return hasBrowser ? PORTS_APART.withBrowser : PORTS_APART.plain;
}

/** The first base port of a range that is far enough from all others; null: none is left. */
export function chooseBasePort(
  others: readonly Pick<GatewayProfile, 'port' | 'hasBrowser'>[],
  range: { readonly from: number; readonly to: number; readonly hasBrowser: boolean },
): number | null {
  const own = distanceOf(range);
  let port = range.from;
  for (const other of others.toSorted((a, b) => a.port - b.port)) {
    const apart = Math.max(own, distanceOf(other));
    if (Math.abs(other.port - port) < apart) port = other.port + apart;
  }
  return port <= Math.min(range.to, HIGHEST_PORT - own + 1) ? port : null;
}

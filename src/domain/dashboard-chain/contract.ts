/**
 * From an operator's few hints everything that a dashboard's way needs: where people open it, which pages its gateway
 * must let in, where the forward listens. The one derivation (R59): whoever needs any of this reads it here.
 */

export interface ChainHints {
  /** The port at which the gateway listens on its own machine. */
  readonly gatewayPort: number;
  /**
   * Where people open the dashboard, as they would type it: `https://agents.example`, `box:19000`; null: on the
   * machine of its host. Of `readAccessUrl`.
   */
  readonly accessUrl: URL | null;
  /** Where traffic arrives on the machine of the host: of the forward, or behind a proxy; null: see `buildChain`. */
  readonly port: number | null;
  /**
   * Something on the machine of the host speaks for the access URL (reverse proxy, quick tunnel). So it is with every
   * HTTPS URL: gateways of a chain speak plain HTTP.
   */
  readonly isProxied: boolean;
  /** Which addresses of the machine take the traffic; null: as few as the access URL allows. */
  readonly bind: BindAddress | null;
  /** The machine runs under WSL: its address as Windows sees it; null: it does not. */
  readonly wslAddress: string | null;
  /** Other pages that speak to the gateway from a browser, such as a second UI. */
  readonly otherOrigins: readonly URL[];
  /** Further ports of the gateway's machine that are to be reached here. */
  readonly otherForwards: readonly Forward[];
  /** Whether traffic reaches the gateway over a forward, or listens on the machine of the host itself. */
  readonly isForwarded: boolean;
}

export type BindAddress = '127.0.0.1' | '0.0.0.0';

export interface Forward {
  readonly name: string;
  readonly bind: BindAddress;
  /** On the machine of the host. */
  readonly port: number;
  /** On the gateway's machine. */
  readonly targetPort: number;
}

export interface DashboardChain {
  /** What people open; without a token, which only an explicit call adds. */
  readonly accessUrl: string;
  /** The same dashboard from other places, best first. */
  readonly fallbackUrls: readonly string[];
  /** What the gateway must let in, exactly these, as browsers send them: never `*`, each once. */
  readonly origins: readonly string[];
  readonly gatewayPort: number;
  /** Where the host reaches the gateway: behind the forward, if there is one. */
  readonly port: number;
  readonly bind: BindAddress;
  /** The dashboard's own first; empty when the gateway listens on this machine. */
  readonly forwards: readonly Forward[];
  /** People come another way than its host does: what lies there is diagnosed, never touched. */
  readonly isExternal: boolean;
  /**
   * False: browsers give a page that comes over plain HTTP from another machine no keys, so that a device cannot
   * identify itself there. The way out is HTTPS, or an operator's decision; never Dash's own.
   */
  readonly canIdentifyDevices: boolean;
}

/**
 * The URL that somebody wrote, `http` when no scheme is given; null when it is none. What stands behind `?` and `#` is
 * left out: people copy such URLs with their token.
 */
export function readAccessUrl(written: string): URL | null {
  const text = written.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return null;
  url.search = '';
  url.hash = '';
  return url.username === '' && url.password === '' ? url : null;
}

/**
 * Total over valid hints (ports 1 to 65535). Without a forward the port is the gateway's own. Otherwise it is the
 * hint's; else, when nothing speaks for the access URL, that of the URL; else the gateway's own. What a proxy listens
 * on says nothing about the port behind it.
 */
export function buildChain(hints: ChainHints): DashboardChain {
  const { accessUrl, gatewayPort, isForwarded } = hints;
  const isProxied = accessUrl !== null && (hints.isProxied || accessUrl.protocol === 'https:');
  const isRemote = accessUrl !== null && !isLoopback(accessUrl);
  const asked = hints.port ?? (isProxied ? null : writtenPort(accessUrl));
  const port = isForwarded ? (asked ?? gatewayPort) : gatewayPort;
  const here = new URL(`http://127.0.0.1:${port}`);
  const access = isProxied ? accessUrl : isRemote ? withPort(accessUrl, port) : here;
  const wsl =
    hints.wslAddress === null ? [] : [new URL(`http://${inUrl(hints.wslAddress)}:${port}`)];
  const fallbacks = [...(access === here ? [] : [here]), ...wsl];
  // Behind a proxy the browser's origin may lack the port that somebody wrote, and then it is another one.
  const portless = isProxied && accessUrl.port !== '' ? [withPort(accessUrl, null)] : [];
  const bind = hints.bind ?? ((isRemote && !isProxied) || wsl.length > 0 ? '0.0.0.0' : '127.0.0.1');
  const dashboard: Forward = { name: 'dashboard', bind, port, targetPort: gatewayPort };
  return {
    accessUrl: written(access),
    fallbackUrls: unique(fallbacks.map(written).filter((url) => url !== written(access))),
    origins: unique(
      [
        here,
        new URL(`http://localhost:${port}`),
        access,
        ...portless,
        ...fallbacks,
        ...hints.otherOrigins,
      ].map(({ origin }) => origin),
    ),
    gatewayPort,
    port,
    bind,
    forwards: hints.isForwarded ? [dashboard, ...hints.otherForwards] : [],
    isExternal: access !== here,
    canIdentifyDevices: access.protocol === 'https:' || isLoopback(access),
  };
}

/** Whether only this machine can mean itself by it. */
export function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d+){3}$/.test(hostname)
  );
}

function writtenPort(url: URL | null): number | null {
  return url === null || url.port === '' ? null : Number(url.port);
}

function withPort(url: URL, port: number | null): URL {
  const copy = new URL(url);
  copy.port = port === null ? '' : String(port);
  return copy;
}

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function written(url: URL): string {
  return url.pathname === '/' ? url.origin : url.href;
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

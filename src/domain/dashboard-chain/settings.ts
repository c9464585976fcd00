import { buildChain, readAccessUrl, type BindAddress, type DashboardChain } from './contract.ts';

/** What an operator says of a dashboard's way; what is left out follows from the gateway. */
export interface ChainSettings {
  /** Where people open it; null: on the machine of its host. */
  readonly accessUrl: string | null;
  /** Something on that machine speaks for the access URL; of HTTPS it is taken as given. */
  readonly proxied: boolean;
  /** null: as few addresses as the access URL allows. */
  readonly bind: BindAddress | null;
  /** The machine's address as Windows sees it, under WSL. */
  readonly wslAddress: string | null;
  /** Other pages that speak to the gateway from a browser. */
  readonly otherOrigins: readonly string[];
  /** SHA-256 of a certificate that an operator trusts although nobody signed it. */
  readonly pinnedFingerprint: string | null;
  /** `off`: what is broken is told, and nothing is done about it unless somebody asks. */
  readonly heal: 'auto' | 'off';
  /** After an action the chain has to stay well for so long. */
  readonly settleSeconds: number;
  /** Between two looks. */
  readonly intervalSeconds: number;
}

/** As they are kept: URLs without what stands behind `?` and `#`, for people copy them with their token. */
export function storable(settings: ChainSettings): ChainSettings {
  const clean = (written: string): string => readAccessUrl(written)?.href ?? written;
  return {
    ...settings,
    accessUrl: settings.accessUrl === null ? null : clean(settings.accessUrl),
    otherOrigins: settings.otherOrigins.map(clean),
  };
}

/** Valid settings and an endpoint of a gateway that has its port: the whole way. */
export function chainOf(settings: ChainSettings, endpoint: string): DashboardChain {
  const { accessUrl, proxied, bind, wslAddress, otherOrigins } = settings;
  return buildChain({
    gatewayPort: portOf(endpoint),
    accessUrl: accessUrl === null ? null : readAccessUrl(accessUrl),
    port: null,
    isProxied: proxied,
    bind,
    wslAddress,
    otherOrigins: otherOrigins.flatMap((written) => readAccessUrl(written) ?? []),
    otherForwards: [],
    isForwarded: false,
  });
}

/** Of a gateway of which nobody has said anything: its dashboard is on the machine of its host. */
export const UNSAID: ChainSettings = {
  accessUrl: null,
  proxied: false,
  bind: null,
  wslAddress: null,
  otherOrigins: [],
  pinnedFingerprint: null,
  heal: 'auto',
  settleSeconds: 25,
  intervalSeconds: 15,
};

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'ws:': 80, 'wss:': 443 };

function portOf(endpoint: string): number {
  const { port, protocol } = new URL(endpoint);
  return port === '' ? (DEFAULT_PORTS[protocol] ?? 80) : Number(port);
}

import { badAnswer } from './call-outcome.ts';
import type { AllowedOrigins, Permit } from './connection.ts';
import type { GatewayCall } from './gateway-calls.ts';
import { asRecord, asText, asTexts, isRecord, type JsonRecord } from './json-value.ts';

const PATH = 'gateway.controlUi.allowedOrigins';

/** Of which pages the gateway's configuration lets browsers in, beside those of its own machine. */
export async function readOrigins(
  read: (method: string, params: JsonRecord) => Promise<unknown>,
): Promise<AllowedOrigins> {
  const answer = asRecord(await read('config.get', {}));
  const hash = asText(answer['hash']);
  const { config } = answer;
  if (hash === null || !isRecord(config)) throw badAnswer('config.get', 'a configuration');
  const controlUi = asRecord(asRecord(config['gateway'])['controlUi']);
  return { origins: asTexts(controlUi['allowedOrigins']), hash };
}

/**
 * Replaces the whole list, and nothing else of the configuration. Effective within a second in 2026.9.6, older
 * versions may want a restart: only a probe tells.
 */
export async function writeOrigins(
  call: GatewayCall,
  { origins, hash, permit }: AllowedOrigins & { readonly permit: Permit },
): Promise<void> {
  const params = {
    raw: JSON.stringify({ gateway: { controlUi: { allowedOrigins: origins } } }),
    baseHash: hash,
    // Without it a patch that takes an entry away is refused as a whole.
    replacePaths: [PATH],
    note: 'Dash: origins of the dashboard',
  };
  await call({ method: 'config.patch', params, permit });
}

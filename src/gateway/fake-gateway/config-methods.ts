import { createHash } from 'node:crypto';

import { asRecord, asText, asTexts, isRecord } from '../json-value.ts';
import type { BootParts } from './boot-parts.ts';
import type { Handler, Params } from './reply.ts';

const ORIGINS = 'gateway.controlUi.allowedOrigins';

/** The configuration as far as the fake has one: the origins of pages that it lets in, effective at once. */
export const handleConfigGet: Handler = (boot, _params, reply) => {
  reply.ok({ exists: true, valid: true, config: configOf(boot), hash: hashOf(boot), issues: [] });
};

export const handleConfigPatch: Handler = (boot, params, reply) => {
  const refuse = (message: string): void => reply.error({ code: 'INVALID_REQUEST', message });
  const baseHash = asText(params['baseHash']);
  if (baseHash === null)
    return refuse('config base hash required; re-run config.get and retry with baseHash');
  if (baseHash !== hashOf(boot))
    return refuse('config changed since last load; re-run config.get and retry');
  const patch = readPatch(asText(params['raw']) ?? '');
  const origins = asRecord(asRecord(asRecord(patch)['gateway'])['controlUi'])['allowedOrigins'];
  if (!Array.isArray(origins)) return refuse(`the fake patches ${ORIGINS}`);
  const next = asTexts(origins);
  const isCut = boot.settings.allowedOrigins.some((origin) => !next.includes(origin));
  if (isCut && !asTexts(params['replacePaths']).includes(ORIGINS))
    return refuse(`config.patch would remove entries of ${ORIGINS}; name it in replacePaths`);
  const changed = JSON.stringify(next) !== JSON.stringify(boot.settings.allowedOrigins);
  boot.settings.allowedOrigins = next;
  const changedPaths = changed ? [ORIGINS] : [];
  reply.ok({ ok: true, ...(changed ? {} : { noop: true }), changedPaths, config: configOf(boot) });
};

function readPatch(raw: string): Params {
  try {
    const patch: unknown = JSON.parse(raw);
    return isRecord(patch) ? patch : {};
  } catch {
    return {};
  }
}

function configOf({ settings }: BootParts): Params {
  const allowedOrigins = [...settings.allowedOrigins];
  return { gateway: { controlUi: { enabled: true, allowedOrigins } } };
}

function hashOf(boot: BootParts): string {
  const written = JSON.stringify(configOf(boot));
  return `sha256:${createHash('sha256').update(written).digest('base64url')}`;
}

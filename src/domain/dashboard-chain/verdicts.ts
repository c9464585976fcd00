import type { Evidence, LinkReason, LinkVerdict } from './link.ts';

export const OK: LinkVerdict = { state: 'ok' };

export function broken(reason: LinkReason, evidence: Evidence = {}): LinkVerdict {
  return { state: 'broken', reason, evidence };
}

export function weak(reason: LinkReason, evidence: Evidence = {}): LinkVerdict {
  return { state: 'degraded', reason, evidence };
}

export function cannotTell(detail: string): LinkVerdict {
  return { state: 'unknown', behind: null, detail };
}

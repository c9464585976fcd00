import type { PlannedStep } from '../src/domain/dashboard-chain/plan.ts';
import type { Chain, ChainLink, ChainLinks, ChainStep } from '../src/contract/chain-dto.ts';
import type { ChainRecord } from '../src/db/chain-store.ts';
import type { ChainVerdict, LinkVerdict } from '../src/domain/dashboard-chain/link.ts';
import { chainOf } from '../src/domain/dashboard-chain/settings.ts';
import { detailOf, diagnosisOf, healthOf } from '../src/domain/dashboard-chain/words.ts';

export function chainDto(row: ChainRecord): Chain {
  const { accessUrl, fallbackUrls, origins, gatewayPort, bind, canIdentifyDevices } = chainOf(
    row.settings,
    row.endpoint,
  );
  return {
    gatewayId: row.gatewayId,
    settings: { ...row.settings, otherOrigins: [...row.settings.otherOrigins] },
    accessUrl,
    fallbackUrls: [...fallbackUrls],
    origins: [...origins],
    gatewayPort,
    bind,
    canIdentifyDevices,
    health: healthOf(row.verdict),
    diagnosis: diagnosisOf(row.verdict),
    links: linksDto(row.verdict),
    plan: row.plan === null ? null : row.plan.map(stepDto),
    flapping: [...row.flapping],
    lookedAt: row.verdictAt,
    episodeSince: row.episodeSince,
    pause: row.pause,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

export function linksDto(verdict: ChainVerdict | null): ChainLinks | null {
  if (verdict === null) return null;
  const { gateway, forward, cors, external } = verdict;
  return {
    gateway: linkDto(gateway),
    forward: linkDto(forward),
    cors: linkDto(cors),
    external: linkDto(external),
  };
}

export function stepDto({ link, reason, step }: PlannedStep): ChainStep {
  return {
    link,
    reason,
    kind: step.kind,
    action: step.kind === 'act' ? step.action : null,
    because: step.kind === 'act' ? null : step.because,
    until:
      step.kind === 'wait' && step.untilMs !== null ? new Date(step.untilMs).toISOString() : null,
  };
}

function linkDto(link: LinkVerdict): ChainLink {
  const hasReason = link.state === 'broken' || link.state === 'degraded';
  return {
    state: link.state,
    reason: hasReason ? link.reason : null,
    detail: detailOf(link),
    evidence: hasReason ? { ...link.evidence } : {},
  };
}

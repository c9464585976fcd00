import { z } from 'zod';
import { isLoopback, readAccessUrl } from '../domain/dashboard-chain/contract.ts';
import { LINKS } from '../domain/dashboard-chain/link.ts';
import { HEAL_ACTIONS } from '../domain/dashboard-chain/plan.ts';
import { UNSAID } from '../domain/dashboard-chain/settings.ts';
import { CHAIN_HEALTHS } from '../domain/dashboard-chain/words.ts';
import { namedMoment, gatewayName, moment } from './fields.ts';

const accessUrl = z
  .string()
  .max(2000)
  .refine((written) => readAccessUrl(written) !== null, {
    error: 'a URL looks like https://agents.example; put no user, password or token into it',
  });

const settings = {
  accessUrl: accessUrl.nullable().meta({
    description: 'Where people open the dashboard; null: on the machine of its host',
    example: 'https://agents.example',
  }),
  proxied: z.boolean().meta({
    description:
      'Something on that machine speaks for the access URL (reverse proxy, tunnel); of HTTPS it is taken as given',
  }),
  bind: z
    .enum(['127.0.0.1', '0.0.0.0'])
    .nullable()
    .meta({ description: 'null: as few addresses as the access URL allows' }),
  wslAddress: z
    .union([z.ipv4(), z.ipv6()])
    .nullable()
    .meta({ description: "Under WSL the machine's address as Windows sees it" }),
  otherOrigins: z
    .array(accessUrl)
    .max(20)
    .meta({ description: 'Other pages that speak to the gateway from a browser' }),
  pinnedFingerprint: z
    .string()
    .regex(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/, 'a SHA-256 fingerprint looks like AB:CD:…, 32 pairs')
    .nullable()
    .meta({
      description:
        'Of a certificate that is trusted although nobody signed it; any other is reported as changed',
    }),
  heal: z.enum(['auto', 'off']).meta({
    description: 'off: what is broken is told, and nothing is done unless somebody asks',
  }),
  settleSeconds: z
    .int()
    .min(1)
    .max(60)
    .meta({ description: 'After an action the chain has to stay well for so long' }),
  intervalSeconds: z.int().min(1).max(3600).meta({ description: 'Between two looks' }),
};

export const putChain = z
  .strictObject({
    accessUrl: settings.accessUrl.default(UNSAID.accessUrl),
    proxied: settings.proxied.default(UNSAID.proxied),
    bind: settings.bind.default(UNSAID.bind),
    wslAddress: settings.wslAddress.default(UNSAID.wslAddress),
    otherOrigins: settings.otherOrigins.default([...UNSAID.otherOrigins]),
    pinnedFingerprint: settings.pinnedFingerprint.default(UNSAID.pinnedFingerprint),
    heal: settings.heal.default(UNSAID.heal),
    settleSeconds: settings.settleSeconds.default(UNSAID.settleSeconds),
    intervalSeconds: settings.intervalSeconds.default(UNSAID.intervalSeconds),
  })
  .refine(({ accessUrl: url, proxied }) => url === null || !proxied || !pointsHere(url), {
    path: ['proxied'],
    error: 'a proxy speaks for a URL that leads here from elsewhere, not for this machine itself',
  })
  .meta({ id: 'PutChain', description: 'What is left out follows from the gateway' });

function pointsHere(written: string): boolean {
  const url = readAccessUrl(written);
  return url !== null && isLoopback(url);
}

const link = z
  .object({
    state: z.enum(['ok', 'broken', 'degraded', 'unknown', 'expected']).meta({
      description:
        'unknown: nobody can tell, which is not down; expected: down by plan, nobody is alarmed',
    }),
    reason: z
      .string()
      .nullable()
      .meta({ description: 'Of broken and degraded; each has a page in docs/errors/chain' }),
    detail: z.string().nullable().meta({ description: 'In words, for a person' }),
    evidence: z.record(z.string(), z.unknown()).meta({ description: 'What was seen' }),
  })
  .meta({ id: 'ChainLink' });
const links = z.object({ gateway: link, forward: link, cors: link, external: link });
export type ChainLink = z.infer<typeof link>;
export type ChainLinks = z.infer<typeof links>;

const step = z
  .object({
    link: z.enum(LINKS),
    reason: z.string(),
    kind: z.enum(['act', 'wait', 'person']).meta({
      description:
        'act: Dash does it; wait: it may mend itself, or was tried too lately; person: only a person may',
    }),
    action: z.enum(HEAL_ACTIONS).nullable(),
    because: z.string().nullable(),
    until: moment.nullable(),
  })
  .meta({ id: 'ChainStep' });
export type ChainStep = z.infer<typeof step>;

const verdict = {
  health: z.enum(CHAIN_HEALTHS).meta({
    description: 'inconclusive: nobody can tell; planned: down because somebody wants it so',
  }),
  diagnosis: z.string().meta({ description: 'One sentence about the first link that is not ok' }),
};

export const chain = z
  .object({
    gatewayId: gatewayName,
    settings: z.object(settings),
    accessUrl: z.string().meta({ description: 'What people open; without a token' }),
    fallbackUrls: z.array(z.string()),
    origins: z
      .array(z.string())
      .meta({ description: 'What the gateway must let in, as browsers send it' }),
    gatewayPort: z.int(),
    bind: z.string(),
    canIdentifyDevices: z.boolean().meta({
      description:
        'false: over plain HTTP from elsewhere browsers give a page no keys, so that no device can identify itself',
    }),
    ...verdict,
    links: links.nullable().meta({ description: 'null: nobody has looked, or can' }),
    plan: z
      .array(step)
      .nullable()
      .meta({ description: 'What is to be done, and by whom; null: nothing was planned yet' }),
    flapping: z.array(z.enum(LINKS)).meta({ description: 'Links that work now and then' }),
    lookedAt: moment.nullable().meta({ description: 'When this was said first' }),
    episodeSince: moment.nullable().meta({
      description: 'Since when something does not work; null: nothing is the matter',
    }),
    pause: z
      .object({ until: moment.nullable(), by: z.string(), reason: z.string(), at: moment })
      .nullable()
      .meta({ description: 'Meanwhile nobody is alarmed' }),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Chain' });
export type Chain = z.infer<typeof chain>;

export const chainLook = z
  .object({ gatewayId: gatewayName, ...verdict, at: moment, links: links.nullable() })
  .meta({ id: 'ChainLook' });
export type ChainLook = z.infer<typeof chainLook>;

export const healChain = z
  .strictObject({
    dryRun: z.boolean().default(false).meta({ description: 'true: only say what would be done' }),
  })
  .meta({ id: 'HealChain' });

export const chainHeal = z
  .object({
    gatewayId: gatewayName,
    ...verdict,
    at: moment,
    links: links.nullable(),
    taken: z
      .array(
        z.object({
          link: z.enum(LINKS),
          reason: z.string(),
          action: z.enum(HEAL_ACTIONS),
          healed: z.boolean().nullable().meta({
            description: 'null: it takes longer than this heal, and the watch tells',
          }),
          problem: z.string().nullable().meta({ description: 'Why it could not be done' }),
        }),
      )
      .meta({ description: 'Actions, in their order' }),
    plan: z.array(step).meta({ description: 'What is left; in a dry run, what would be done' }),
  })
  .meta({ id: 'ChainHeal' });

export const pauseChain = z
  .strictObject({
    until: namedMoment.nullable().default(null).meta({ description: 'null: until it is resumed' }),
    reason: z.string().max(500).default('').meta({ description: 'For whoever wonders' }),
  })
  .meta({ id: 'PauseChain' });

export const dashboardUrl = z
  .object({
    gatewayId: gatewayName,
    url: z.string().meta({ description: 'What to open in a browser' }),
    fallbackUrls: z.array(z.string()).meta({ description: 'The same from other places' }),
  })
  .meta({ id: 'DashboardUrl' });
export type DashboardUrl = z.infer<typeof dashboardUrl>;

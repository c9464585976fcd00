import { z } from 'zod';
import { isRegionWeights } from '../domain/region-weights.ts';
import { LOG_LEVELS } from '../platform/logger.ts';
import { isSecretKey } from '../platform/secret-box.ts';

/**
 * Every setting of Dash: shape, bounds, default, the environment variable it may come from, and
 * whether it is a secret. The loader, the redaction and the reference page are made from this one
 * schema, so a setting that is not here does not exist.
 */
export interface SettingMeta {
  readonly env: string;
  readonly description: string;
  readonly secret?: boolean;
}

/** Attaches what people need to know about a setting. Must be the last call on its schema. */
function setting<Schema extends z.ZodType>(schema: Schema, meta: SettingMeta): Schema {
  return schema.meta({ ...meta });
}

/** Environment variables are texts; a text of digits is a number here. */
function wholeNumber(bounds: { min: number; max: number }): z.ZodType<number> {
  const asNumber = (value: unknown): unknown =>
    typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value;
  const range = `must be a whole number from ${bounds.min} to ${bounds.max}`;
  const within = z
    .int({ error: range })
    .min(bounds.min, { error: range })
    .max(bounds.max, { error: range });
  return z.preprocess(asNumber, within);
}

const text = z.string().trim().min(1);
const port = wholeNumber({ min: 0, max: 65_535 });
const milliseconds = wholeNumber({ min: 50, max: 86_400_000 });

/** A beat must fit into half its time-out: ownership is proven by an age below that half (P24). */
function beats(options: {
  what: string;
  env: string;
  heartbeatMs: number;
  timeoutMs: number;
  tells: string;
}) {
  return z
    .strictObject({
      heartbeatMs: setting(milliseconds.default(options.heartbeatMs), {
        env: `${options.env}_HEARTBEAT_MS`,
        description: `How often ${options.what} shows Temporal that it lives.`,
      }),
      timeoutMs: setting(milliseconds.default(options.timeoutMs), {
        env: `${options.env}_TIMEOUT_MS`,
        description: options.tells,
      }),
    })
    .refine(({ heartbeatMs, timeoutMs }) => heartbeatMs * 2 < timeoutMs, {
      path: ['heartbeatMs'],
      error: 'must be less than half of timeoutMs: ownership is proven by a beat younger than that',
    })
    .prefault({});
}

export const configSchema = z.strictObject({
  dataDir: setting(text.default('.dash'), {
    env: 'DASH_DATA_DIR',
    description:
      'Directory of everything this machine keeps; relative paths count from the project.',
  }),
  logLevel: setting(z.enum(LOG_LEVELS).default('info'), {
    env: 'DASH_LOG_LEVEL',
    description: 'Least urgent level that is logged.',
  }),
  hostId: setting(
    text.regex(/^[a-z0-9-]{1,60}$/, { error: 'may have a-z, 0-9 and - only' }).optional(),
    {
      env: 'DASH_HOST_ID',
      description:
        'Name of this gateway host. Belongs to the data directory: without it, one is made there once and kept.',
    },
  ),
  secretKey: setting(
    text
      .refine(isSecretKey, {
        error: 'must be 32 bytes in base64; make one with: openssl rand -base64 32',
      })
      .optional(),
    {
      env: 'DASH_SECRET_KEY',
      description:
        'Key that seals gateway tokens in PostgreSQL; the same for all processes of an installation. ' +
        'Without it, one is made in the data directory once and kept.',
      secret: true,
    },
  ),
  workflowBundle: setting(text.optional(), {
    env: 'DASH_WORKFLOW_BUNDLE',
    description: 'File with the prebuilt workflow code; without it, the code is bundled at start.',
  }),
  database: z
    .strictObject({
      url: setting(
        text
          .regex(/^postgres(ql)?:\/\//, { error: 'must begin with postgres:// or postgresql://' })
          .optional(),
        {
          env: 'DATABASE_URL',
          description: 'PostgreSQL (17 or newer). `dashctl up` starts its own when this is absent.',
          secret: true,
        },
      ),
      maxConnections: setting(wholeNumber({ min: 2, max: 1_000 }).default(10), {
        env: 'DASH_DATABASE_MAX_CONNECTIONS',
        description: 'Connections that one process keeps to PostgreSQL at most.',
      }),
    })
    .prefault({}),
  temporal: z
    .strictObject({
      address: setting(text.optional(), {
        env: 'TEMPORAL_ADDRESS',
        description:
          'Temporal as host:port. `dashctl up` starts a dev server when this is absent. ' +
          'TLS, API key and profiles come from the TEMPORAL_* variables that the `temporal` CLI reads.',
      }),
      namespace: setting(text.default('default'), {
        env: 'TEMPORAL_NAMESPACE',
        description: 'Namespace of all workflows of this installation.',
      }),
    })
    .prefault({}),
  api: z
    .strictObject({
      host: setting(text.default('127.0.0.1'), {
        env: 'DASH_API_HOST',
        description: 'Address on which the API listens.',
      }),
      port: setting(port.default(7410), {
        env: 'DASH_API_PORT',
        description: 'Port of the API; 0 takes any free one.',
      }),
    })
    .prefault({}),
  worker: z
    .strictObject({
      host: setting(text.default('127.0.0.1'), {
        env: 'DASH_WORKER_HOST',
        description: 'Address on which a worker process tells its health and metrics.',
      }),
      port: setting(port.optional(), {
        env: 'DASH_WORKER_PORT',
        description:
          'Port for /health/live, /health/ready and /metrics of a worker process; without it there is none.',
      }),
    })
    .prefault({}),
  host: z
    .strictObject({
      maxGateways: setting(wholeNumber({ min: 1, max: 1_000 }).default(50), {
        env: 'DASH_MAX_GATEWAYS',
        description: 'Gateways that one host holds at most.',
      }),
      regionWeights: setting(
        text
          .refine(isRegionWeights, {
            error: 'looks like eu-1=1,us-1=0.5, with weights from 0 to 1',
          })
          .optional(),
        {
          env: 'DASH_REGION_WEIGHTS',
          description:
            'How much this host wants the gateways of each region, 0 to 1: eu-1=1,us-1=0.5. Not named: 1.',
        },
      ),
      handOverGraceMs: setting(milliseconds.default(30_000), {
        env: 'DASH_HAND_OVER_GRACE_MS',
        description: 'Time that a host has to hand over its gateways when it is asked to end.',
      }),
    })
    .prefault({}),
  hold: beats({
    what: 'the holder of a gateway',
    env: 'DASH_HOLD',
    heartbeatMs: 3_000,
    timeoutMs: 10_000,
    tells: 'Silence after which another host may take a gateway.',
  }),
  run: beats({
    what: 'a followed run',
    env: 'DASH_RUN',
    heartbeatMs: 10_000,
    timeoutMs: 30_000,
    tells: 'Silence after which a run is followed by another activity.',
  }),
  model: z
    .strictObject({
      name: setting(text.optional(), {
        env: 'DASH_MODEL',
        description: 'Model of the managed gateway, as its provider names it.',
      }),
      baseUrl: setting(
        z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(),
        {
          env: 'DASH_MODEL_BASE_URL',
          description: 'Any OpenAI-compatible endpoint; goes before the provider keys.',
        },
      ),
      apiKey: setting(text.optional(), {
        env: 'DASH_MODEL_API_KEY',
        description: 'Key for the endpoint of DASH_MODEL_BASE_URL, if it wants one.',
        secret: true,
      }),
      openaiApiKey: setting(text.optional(), {
        env: 'OPENAI_API_KEY',
        description: 'Lets the managed gateway answer with OpenAI.',
        secret: true,
      }),
      anthropicApiKey: setting(text.optional(), {
        env: 'ANTHROPIC_API_KEY',
        description: 'Lets the managed gateway answer with Anthropic.',
        secret: true,
      }),
    })
    .prefault({}),
});

/** All settings, parsed, defaults filled in; paths still as they were written. */
export type Settings = z.output<typeof configSchema>;

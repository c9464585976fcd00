/**
 * The model behind a managed gateway. Keys travel in the gateway's environment (`modelEnvironment`), the
 * configuration file only names the variable.
 */
export type GatewayModel =
  | { readonly kind: 'openai'; readonly apiKey: string; readonly model: string | null }
  | { readonly kind: 'anthropic'; readonly apiKey: string; readonly model: string | null }
  | {
      readonly kind: 'openai-compatible';
      readonly baseUrl: string;
      readonly apiKey: string | null;
      readonly model: string | null;
    }
  | { readonly kind: 'stub'; readonly baseUrl: string };

/** The variable that carries the provider's key; SecretRefs of OpenClaw take capital letters and `_`. */
const KEY_VARIABLE = 'DASH_MODEL_API_KEY';

/** Endpoints that need no key still want one to be configured. */
const NO_KEY = 'none';

export interface ProviderEntry {
  readonly id: string;
  readonly modelId: string;
  /** An entry of `models.providers` in OpenClaw's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * The provider entry of a model. It is written out whole, so that no plugin and no built-in catalogue of OpenClaw
 * is needed, and under an id of its own, so that OpenClaw does not pick a special runtime for `openai`.
 */
export function providerEntry(model: GatewayModel): ProviderEntry {
  switch (model.kind) {
    case 'openai':
      return entry('dash-openai', model.model ?? 'gpt-5.5', {
        baseUrl: 'https://api.openai.com/v1',
        api: 'openai-completions',
      });
    case 'anthropic':
      return entry('dash-anthropic', model.model ?? 'claude-opus-5', {
        baseUrl: 'https://api.anthropic.com',
        api: 'anthropic-messages',
      });
    case 'openai-compatible':
      return entry('dash-model', model.model ?? 'default', {
        baseUrl: model.baseUrl,
        api: 'openai-completions',
      });
    case 'stub':
      return entry('dash-stub', 'stub-1', { baseUrl: model.baseUrl, api: 'openai-completions' });
  }
}

/** The environment that the provider entry refers to. */
export function modelEnvironment(model: GatewayModel): Readonly<Record<string, string>> {
  return { [KEY_VARIABLE]: model.kind === 'stub' ? NO_KEY : (model.apiKey ?? NO_KEY) };
}

function entry(
  id: string,
  modelId: string,
  endpoint: { readonly baseUrl: string; readonly api: string },
): ProviderEntry {
  return {
    id,
    modelId,
    config: {
      ...endpoint,
      apiKey: { source: 'env', provider: 'default', id: KEY_VARIABLE },
      models: [
        {
          id: modelId,
          name: modelId,
          input: ['text'],
          contextWindow: 128_000,
          maxTokens: 8192,
        },
      ],
    },
  };
}

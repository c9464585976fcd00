import type { Settings } from './schema.ts';

/**
 * Which model answers behind a managed gateway. `stub` is Dash's own built-in stand-in: it is taken
 * only when the person gave no key and no endpoint, and whoever starts it says so.
 */
export type ModelProvider =
  | { readonly kind: 'openai'; readonly apiKey: string; readonly model: string | null }
  | { readonly kind: 'anthropic'; readonly apiKey: string; readonly model: string | null }
  | {
      readonly kind: 'openai-compatible';
      readonly baseUrl: string;
      readonly apiKey: string | null;
      readonly model: string | null;
    }
  | { readonly kind: 'stub' };

/** The provider that the settings name: an explicit endpoint first, then OpenAI, then Anthropic, else the stub. */
export function modelProvider(settings: Settings['model']): ModelProvider {
  const model = settings.name ?? null;
  if (settings.baseUrl !== undefined) {
    const { baseUrl, apiKey = null } = settings;
    return { kind: 'openai-compatible', baseUrl, apiKey, model };
  }
  if (settings.openaiApiKey !== undefined)
    return { kind: 'openai', apiKey: settings.openaiApiKey, model };
  if (settings.anthropicApiKey !== undefined) {
    return { kind: 'anthropic', apiKey: settings.anthropicApiKey, model };
  }
  return { kind: 'stub' };
}

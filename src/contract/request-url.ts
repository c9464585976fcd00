/** A query value before it is written; a list is joined by commas. */
export type QueryValue = string | number | readonly string[];

interface UrlInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, QueryValue | undefined>>;
}

/** The URL of a route with its parameters filled in; lists in the query are joined by commas. */
export function urlOf(baseUrl: string, path: string, input: UrlInput): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(input.params?.[name] ?? ''),
  );
  const url = new URL(baseUrl.replace(/\/+$/, '') + filled);
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined)
      url.searchParams.set(name, typeof value === 'object' ? value.join(',') : String(value));
  }
  return url.href;
}

/** The header that carries an API key. */
export function authorization(apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
}

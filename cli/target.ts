import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { readAdminKey, readLocalInstance } from './local-instance.ts';

/** Which Dash a command speaks to. */
export interface Target {
  readonly baseUrl: string;
  /** undefined: none is known; open routes answer all the same. */
  readonly apiKey: string | undefined;
  /** For messages: where the address comes from. */
  readonly source: string;
}

/** Where `dashctl up` listens when nothing else was asked for. */
const DEFAULT_URL = 'http://127.0.0.1:7410';

/**
 * Address and key, in this order: option, environment, the note and key file of the `dashctl up` on this
 * machine. The key of that file goes only to that very instance, never to an address given by hand.
 */
export function resolveTarget(options: {
  url: string | undefined;
  apiKey: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  dataDir: string;
}): Target {
  const { env, dataDir } = options;
  const local = readLocalInstance(dataDir);
  const given = options.url ?? nonEmpty(env['DASH_URL']);
  const baseUrl = checkedUrl(given ?? local?.apiUrl ?? DEFAULT_URL);
  const isLocal = given === undefined || (local !== undefined && sameOrigin(baseUrl, local.apiUrl));
  const apiKey =
    options.apiKey ??
    nonEmpty(env['DASH_API_KEY']) ??
    (isLocal ? readAdminKey(dataDir) : undefined);
  return { baseUrl, apiKey, source: sourceOf(options, local !== undefined) };
}

function sourceOf(
  options: {
    url: string | undefined;
    env: Readonly<Record<string, string | undefined>>;
    dataDir: string;
  },
  hasNote: boolean,
): string {
  if (options.url !== undefined) return '--url';
  if (nonEmpty(options.env['DASH_URL']) !== undefined) return 'DASH_URL';
  return hasNote ? `the instance of ${options.dataDir}` : 'the default address';
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
    return url.href.replace(/\/+$/, '');
  }
  throw new CliError({
    exitCode: EXIT.usage,
    code: 'usage',
    message: `"${text}" is no address of an API.`,
    hint: 'An address looks like http://127.0.0.1:7410 (--url or DASH_URL).',
  });
}

function sameOrigin(left: string, right: string): boolean {
  return URL.parse(left)?.origin === URL.parse(right)?.origin;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

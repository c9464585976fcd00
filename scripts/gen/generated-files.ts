import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../cli/commands.ts';
import { cliReference } from '../../cli/reference.ts';
import { describeConfig } from '../../src/config/describe-config.ts';
import { CHAIN_HELP } from '../../src/contract/chain-help.ts';
import { ERROR_HELP, type ErrorHelp } from '../../src/contract/error-help.ts';
import { ERRORS, type ErrorCode } from '../../src/contract/errors.ts';
import { openApiDocument } from '../../src/contract/openapi.ts';
import { listRoutes, type NamedRoute } from '../../src/contract/routes.ts';
import { linkOf, type LinkReason } from '../../src/domain/dashboard-chain/link.ts';
import { LINK_WORDS, REASON_WORDS } from '../../src/domain/dashboard-chain/words.ts';
import { EVENT_TYPES } from '../../src/domain/event-type.ts';
import { BASE_MS, CAP_MS, JITTER } from '../../src/domain/retry.ts';
import { RETRY_POLICY } from '../../src/domain/retry-policy.ts';
import { METRICS, type MetricSpec } from '../../src/telemetry/metric-contract.ts';

/** Folders in which every file is generated: what is not made any more is removed. */
export const GENERATED_FOLDERS = ['docs/errors', 'docs/errors/chain'] as const;

/** The path of each generated file and what belongs into it. */
export function generatedFiles(root: string): ReadonlyMap<string, string> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const reasons = Object.keys(CHAIN_HELP) as LinkReason[];
  return new Map([
    ['openapi.json', `${JSON.stringify(openApiDocument({ version }), null, 2)}\n`],
    ['docs/reference/api.md', apiPage()],
    ['docs/reference/errors.md', errorsPage(codes)],
    ['docs/reference/dashboards.md', reasonsPage(reasons)],
    ['docs/reference/events.md', eventsPage()],
    ['docs/reference/metrics.md', metricsPage()],
    ['docs/reference/retries.md', retriesPage()],
    ['docs/reference/configuration.md', describeConfig()],
    ['docs/reference/cli.md', cliReference(COMMANDS)],
    ...codes.map((code): [string, string] => [`docs/errors/${code}.md`, errorPage(code)]),
    ...reasons.map((reason): [string, string] => [
      `docs/errors/chain/${reason}.md`,
      reasonPage(reason),
    ]),
  ]);
}

function apiPage(): string {
  return page('API', [
    'Every route of the HTTP API. A running API shows the same with all shapes at `/docs`, and as an OpenAPI 3.1',
    'document at `/openapi.json`. Send `Authorization: Bearer dash_…`; errors are problem documents (RFC 9457) with',
    'the codes of [errors.md](errors.md).',
    '',
    '| method | path | scope | |',
    '|---|---|---|---|',
    ...listRoutes().map(apiRow),
  ]);
}

function apiRow({ route }: NamedRoute): string {
  const scope = route.scope === null ? 'open' : `\`${route.scope}\``;
  const reach = route.reach === 'fleet' ? ', all tenants' : '';
  return `| ${route.method} | \`${route.path}\` | ${scope}${reach} | ${route.summary} |`;
}

function errorsPage(codes: readonly ErrorCode[]): string {
  return page('Errors', [
    'A code is never renamed or given another meaning. Retryable: the same request may succeed later, unchanged.',
    '',
    '| code | status | retryable | |',
    '|---|---|---|---|',
    ...codes.map((code) => {
      const { status, retryable, title } = ERRORS[code];
      return `| [\`${code}\`](../errors/${code}.md) | ${status} | ${retryable ? 'yes' : 'no'} | ${title} |`;
    }),
  ]);
}

function errorPage(code: ErrorCode): string {
  const { status, retryable, title } = ERRORS[code];
  const about = `\`${code}\` · HTTP ${status} · ${retryable ? 'retryable' : 'not retryable'}`;
  return helpPage(title, about, ERROR_HELP[code]);
}

function reasonsPage(reasons: readonly LinkReason[]): string {
  return page('Dashboards', [
    'Why a link of the way to a dashboard is broken, or weak. A reason is never renamed or given another meaning. What',
    'nobody can tell is `unknown`, which is never taken for down.',
    '',
    '| reason | |',
    '|---|---|',
    ...reasons.map(
      (reason) => `| [\`${reason}\`](../errors/chain/${reason}.md) | ${reasonTitle(reason)} |`,
    ),
  ]);
}

function reasonPage(reason: LinkReason): string {
  return helpPage(reasonTitle(reason), `\`${reason}\``, CHAIN_HELP[reason]);
}

function reasonTitle(reason: LinkReason): string {
  return `${LINK_WORDS[linkOf(reason)]}: ${REASON_WORDS[reason]}`;
}

function helpPage(title: string, about: string, { whatHappened, howToFix }: ErrorHelp): string {
  return page(title, [
    about,
    '',
    '## What happened',
    '',
    whatHappened,
    '',
    '## How to fix',
    '',
    howToFix,
  ]);
}

function eventsPage(): string {
  return page('Events', [
    'The kinds of events that `GET /api/v1/events` sends and that rows keep. `seq` follows the order of the commits.',
    '',
    ...EVENT_TYPES.map((type) => `- \`${type}\``),
  ]);
}

function metricsPage(): string {
  return page('Metrics', [
    '`GET /metrics` answers these series in the Prometheus text format. Source `rows`: read from PostgreSQL at each',
    'scrape; `process`: observed by the process that does the work.',
    '',
    '| series | type | labels | source | |',
    '|---|---|---|---|---|',
    ...Object.values<MetricSpec>(METRICS).map(
      ({ name, type, labels, source, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${source} | ${help} |`,
    ),
  ]);
}

function retriesPage(): string {
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  return page('Retries', [
    'What is done about a failed attempt, by the class of its failure. A task has `maxAttempts` attempts (3 unless it',
    'says otherwise), then it is a dead letter. The back-off is ' +
      `${BASE_MS / 1000} s × 2ⁿ, at most ${CAP_MS / 1000} s, spread by ${JITTER * 100} % both ways; a hint`,
    'of the gateway is never cut short. Within a session every attempt is made where the session lives.',
    '',
    '| class | retry | delay | another gateway | counts as attempt | |',
    '|---|---|---|---|---|---|',
    ...Object.entries(RETRY_POLICY).map(
      ([name, rule]) =>
        `| \`${name}\` | ${yes(rule.retry)} | ${rule.delay} | ${rule.otherGateway} | ${yes(rule.countsAsAttempt)} | ${rule.meaning} |`,
    ),
    '',
    'Not failures, and so not in the table: an attempt that its gateway provably never took is *released*. It does not',
    'count, and the next may be made anywhere at once. An attempt whose outcome cannot be known is *indeterminate*: a',
    'person decides (`dashctl decision list`), and nothing is sent again before.',
  ]);
}

function page(title: string, lines: readonly string[]): string {
  return [`# ${title}`, '', ...lines, ''].join('\n');
}

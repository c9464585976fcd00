import { AppError } from '../../src/contract/errors.ts';
import { openApiDocument } from '../../src/contract/openapi.ts';
import type { operationRoutes } from '../../src/contract/operations.ts';
import type { ApiDeps } from '../api-deps.ts';
import { renderDocsPage } from '../docs-page.ts';
import type { Handlers } from '../handler.ts';
import { checkReadiness } from '../readiness.ts';
import { readRowMetrics } from '../row-metrics.ts';

/** The document and the page are made once: they change with the version only. */
export function createOperationHandlers(deps: ApiDeps): Handlers<typeof operationRoutes> {
  const document = JSON.stringify(openApiDocument({ version: deps.version }));
  const page = renderDocsPage({ version: deps.version });
  return {
    live: () => ({ status: 200, body: { status: 'live' } }),
    ready: async () => {
      const checks = await checkReadiness(deps);
      const failing = checks.filter(({ ok }) => !ok);
      if (failing.length === 0 && !deps.ending.aborted)
        return { status: 200, body: { status: 'ready', checks } };
      const words = failing.map(({ name, detail }) => `${name} ${detail}`);
      throw new AppError({
        code: 'not-ready',
        detail: words.length === 0 ? 'This API process ends.' : `Not ready: ${words.join('; ')}.`,
        details: { checks },
      });
    },
    openapi: () => ({ status: 200, contentType: 'application/json', text: document }),
    docs: () => ({ status: 200, contentType: 'text/html', text: page }),
    metrics: async () => ({
      status: 200,
      contentType: deps.metrics.contentType,
      text: await deps.metrics.scrape(() => readRowMetrics(deps.db)),
    }),
  };
}

import { createHash } from 'node:crypto';
import { commonErrors, type RouteSpec } from '../src/contract/define-route.ts';
import { ERROR_HELP } from '../src/contract/error-help.ts';
import { ERRORS, type ErrorCode } from '../src/contract/errors.ts';
import { openApiDocument } from '../src/contract/openapi.ts';
import { listRoutes } from '../src/contract/routes.ts';

/** A page for people, made on the server from the route table: no script, no other host, one hashed style. */

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
section { margin: 1.5rem 0; }
code, pre { font: 0.9em/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; }
.method { display: inline-block; min-width: 4rem; font-weight: 700; }
.meta { opacity: 0.75; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: 0.3rem 0.6rem 0.3rem 0; text-align: left; vertical-align: top; }
nav ul { columns: 2; padding-left: 1rem; }
`;

/** The source of the Content-Security-Policy that lets exactly this style through. */
export function docsPageStyleHash(): string {
  return `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;
}

/** The whole page as HTML. */
export function renderDocsPage(options: { readonly version: string }): string {
  const schemas = openApiDocument(options).components?.schemas ?? {};
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Dash API</title><style>${STYLE}</style></head><body>`,
    `<h1>Dash API <small class="meta">${escape(options.version)}</small></h1>`,
    '<p>Send an API key as <code>Authorization: Bearer dash_…</code>. Every error is a problem document (RFC 9457). ',
    'The same as a document for programs: <a href="/openapi.json">openapi.json</a>.</p>',
    '<nav><ul><li><a href="#routes">Routes</a></li><li><a href="#shapes">Shapes</a></li><li><a href="#errors">Errors</a></li></ul></nav>',
    `<h2 id="routes">Routes</h2>${listRoutes()
      .map(({ name, route }) => routeSection(name, route))
      .join('')}`,
    `<h2 id="shapes">Shapes</h2>${Object.entries(schemas)
      .map(([name, schema]) => shapeSection(name, schema))
      .join('')}`,
    `<h2 id="errors">Errors</h2>${(Object.keys(ERRORS) as ErrorCode[]).map(errorSection).join('')}`,
    '</body></html>',
  ].join('\n');
}

function routeSection(name: string, route: RouteSpec): string {
  const answers = Object.entries(route.responses)
    .map(
      ([status, { description }]) => `<tr><td>${status}</td><td>${escape(description)}</td></tr>`,
    )
    .join('');
  const errors = [...new Set([...route.errors, ...commonErrors(route)])]
    .toSorted((left, right) => ERRORS[left].status - ERRORS[right].status)
    .map(
      (code) => `<tr><td>${ERRORS[code].status}</td><td><a href="#${code}">${code}</a></td></tr>`,
    )
    .join('');
  return [
    `<section id="${escape(name)}"><h3><span class="method">${route.method}</span> <code>${escape(route.path)}</code></h3>`,
    `<p>${escape(route.summary)}. <span class="meta">${escape(accessOf(route))}</span></p>`,
    route.description === undefined ? '' : `<p>${escape(route.description)}</p>`,
    `<table>${answers}${errors}</table></section>`,
  ].join('');
}

function accessOf(route: RouteSpec): string {
  if (route.scope === null) return 'Open.';
  return `Scope ${route.scope}${route.reach === 'fleet' ? ', key for all tenants' : ''}.`;
}

function shapeSection(name: string, schema: unknown): string {
  return `<section id="${escape(name)}"><h3>${escape(name)}</h3><pre>${escape(JSON.stringify(schema, null, 2))}</pre></section>`;
}

function errorSection(code: ErrorCode): string {
  const { whatHappened, howToFix } = ERROR_HELP[code];
  const { status, title } = ERRORS[code];
  return `<section id="${code}"><h3><code>${code}</code> <span class="meta">${status}</span> ${escape(title)}</h3><p>${escape(whatHappened)}</p><p>${escape(howToFix)}</p></section>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

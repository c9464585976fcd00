import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { commonErrors, type ResponseSpec, type RouteSpec } from './define-route.ts';
import { ERRORS, type ErrorCode } from './errors.ts';
import { problem } from './problem.ts';
import { listRoutes, type NamedRoute } from './routes.ts';

/** The OpenAPI 3.1 document of the route table: made from the same schemas that validate. */
export function openApiDocument(options: {
  readonly version: string;
}): ReturnType<typeof createDocument> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  const shared: SharedResponses = new Map();
  for (const named of listRoutes()) {
    const path = (paths[named.route.path] ??= {});
    path[named.route.method.toLowerCase()] = operation(named, shared);
  }
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'Dash',
      version: options.version,
      description:
        'Runs agent work on a fleet of OpenClaw gateways. Every error is an RFC 9457 problem document.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'dash_<id>_<secret>' },
      },
    },
  });
}

function operation(
  { name, resource, route }: NamedRoute,
  shared: SharedResponses,
): ZodOpenApiOperationObject {
  return {
    operationId: name,
    tags: [resource],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: route.scope === null ? [] : [{ apiKey: [] }],
    ...(route.scope === null ? {} : { 'x-dash-scope': route.scope }),
    ...(route.reach === undefined ? {} : { 'x-dash-reach': route.reach }),
    requestParams: {
      ...(route.params === undefined ? {} : { path: route.params }),
      ...(route.query === undefined ? {} : { query: route.query }),
      header: z.object(headersOf(route)),
    },
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            // a body whose properties all have defaults may be left out
            required: !route.body.safeParse({}).success,
            content: { 'application/json': { schema: route.body } },
          },
        }),
    responses: { ...successes(route), ...failures(route, shared) },
  };
}

function headersOf(route: RouteSpec): z.ZodRawShape {
  return {
    'X-Correlation-Id': z.string().optional().meta({
      description:
        'Goes into rows, events, logs and gateway frames of this request; made when absent',
    }),
    ...(route.idempotencyKey === undefined
      ? {}
      : {
          'Idempotency-Key': z
            .string()
            .min(1)
            .max(200)
            .optional()
            .meta({ description: 'The same key with the same body is accepted once' }),
        }),
    ...(route.path === '/api/v1/events'
      ? {
          'Last-Event-ID': z
            .string()
            .optional()
            .meta({ description: 'Cursor after which the stream goes on' }),
        }
      : {}),
  };
}

function successes(route: RouteSpec): Record<string, ZodOpenApiResponseObject> {
  return Object.fromEntries(
    Object.entries(route.responses).map(([status, spec]) => [status, success(spec)]),
  );
}

function success(spec: ResponseSpec): ZodOpenApiResponseObject {
  return 'schema' in spec
    ? { description: spec.description, content: { 'application/json': { schema: spec.schema } } }
    : {
        description: spec.description,
        content: { [spec.contentType]: { schema: { type: 'string' } } },
      };
}

/** Routes that can fail alike share one response of the document. */
function failures(
  route: RouteSpec,
  shared: SharedResponses,
): Record<string, ZodOpenApiResponseObject> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...commonErrors(route), ...route.errors])) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code].toSorted());
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), failure(codes, shared)]),
  );
}

type SharedResponses = Map<string, ZodOpenApiResponseObject>;

function failure(codes: readonly ErrorCode[], shared: SharedResponses): ZodOpenApiResponseObject {
  const id = codes.join('_');
  const known = shared.get(id);
  if (known !== undefined) return known;
  const made: ZodOpenApiResponseObject = {
    id,
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('; '),
    content: { 'application/problem+json': { schema: problem } },
  };
  shared.set(id, made);
  return made;
}

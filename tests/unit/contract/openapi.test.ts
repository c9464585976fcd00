import { describe, expect, test } from '@jest/globals';
import { openApiDocument } from '../../../src/contract/openapi.ts';
import { listRoutes } from '../../../src/contract/routes.ts';
import { SCOPES } from '../../../src/contract/scopes.ts';

const document = JSON.parse(JSON.stringify(openApiDocument({ version: '1.2.3' }))) as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
};
interface Operation {
  operationId: string;
  security: unknown[];
  parameters?: { in: string; name: string; required?: boolean }[];
  requestBody?: { required: boolean; content: Record<string, { schema: unknown }> };
  responses: Record<string, unknown>;
}
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' ? [item as string] : refsIn(item),
  );
}

describe('the OpenAPI document', () => {
  test('has exactly the routes of the table, each once (R29)', () => {
    const table = listRoutes().map(({ name, route }) => `${route.method} ${route.path} ${name}`);
    const documented = operations.map(
      ({ path, method, operation }) => `${method.toUpperCase()} ${path} ${operation.operationId}`,
    );
    expect(document.openapi).toMatch(/^3\.1\./);
    expect([...documented].sort()).toEqual([...table].sort());
    expect(new Set(table.map((row) => row.split(' ').slice(0, 2).join(' '))).size).toBe(
      table.length,
    );
  });

  test('resolves every reference within itself (R29)', () => {
    const refs = refsIn(document);
    expect(refs.length).toBeGreaterThan(100);
    for (const ref of refs) {
      const [, , kind, name] = ref.split('/');
      expect({ ref, found: document.components[kind!]?.[name!] !== undefined }).toEqual({
        ref,
        found: true,
      });
    }
  });

  test('declares each parameter of a path and no other (R29)', () => {
    for (const { path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(declared.map(({ name }) => name)).toEqual(inPath);
      expect(declared.every(({ required }) => required === true)).toBe(true);
    }
  });

  test('asks for an API key wherever the table names a scope, and every scope guards a route (R29)', () => {
    for (const { name, route } of listRoutes()) {
      const operation = operations.find(
        ({ operation: { operationId } }) => operationId === name,
      )!.operation;
      expect({ name, keyed: operation.security.length > 0 }).toEqual({
        name,
        keyed: route.scope !== null,
      });
      expect(Object.keys(operation.responses).includes('401')).toBe(route.scope !== null);
    }
    const used = new Set(
      listRoutes().flatMap(({ route }) => (route.scope === null ? [] : [route.scope])),
    );
    expect([...used].sort()).toEqual([...SCOPES].sort());
  });

  test('offers Idempotency-Key where work is accepted (R29)', () => {
    const withKey = operations
      .filter(({ operation }) =>
        operation.parameters?.some(({ name }) => name === 'Idempotency-Key'),
      )
      .map(({ operation }) => operation.operationId);
    expect(withKey.sort()).toEqual([
      'schedules.create',
      'schedules.trigger',
      'swarms.run',
      'tasks.submit',
    ]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ERROR_HELP } from '../../../src/contract/error-help.ts';
import { AppError, ERRORS, type ErrorCode } from '../../../src/contract/errors.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CODES = Object.keys(ERRORS) as ErrorCode[];

/** Published codes. One may be added here with the code; none may ever be taken out or be renamed. */
const PUBLISHED = [
  'already-decided',
  'approval-not-found',
  'budget-not-found',
  'bulk-operation-not-found',
  'chain-not-found',
  'cursor-expired',
  'database-unavailable',
  'dead-letter-closed',
  'gateway-exists',
  'gateway-not-found',
  'gateway-refuses',
  'idempotency-conflict',
  'internal',
  'limit-reached',
  'malformed-json',
  'method-not-allowed',
  'not-an-approver',
  'not-ready',
  'nothing-to-decide',
  'payload-too-large',
  'pool-in-use',
  'pool-not-found',
  'route-not-found',
  'schedule-not-found',
  'scope-missing',
  'session-busy',
  'session-not-found',
  'slow-consumer',
  'swarm-ended',
  'swarm-not-found',
  'task-not-found',
  'task-not-waiting',
  'temporal-unavailable',
  'tenant-not-allowed',
  'tenant-not-found',
  'too-many-streams',
  'unauthenticated',
  'unsupported-media-type',
  'validation-failed',
];

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

describe('the error catalog', () => {
  test('no published code disappears and every code is published (R38)', () => {
    expect([...CODES].sort()).toEqual(PUBLISHED);
  });

  test('every code has a page that says what happened and how to fix it, and no page is left over (R38)', () => {
    const pages = readdirSync(join(ROOT, 'docs/errors')).filter((name) => name !== 'chain');
    expect(pages.sort()).toEqual(CODES.map((code) => `${code}.md`).sort());
    for (const page of pages) {
      const text = readFileSync(join(ROOT, 'docs/errors', page), 'utf8');
      expect(text).toMatch(/## What happened\n\n.{10,}/);
      expect(text).toMatch(/## How to fix\n\n.{10,}/);
    }
  });

  test('every code is answered somewhere by the API (R38)', () => {
    const sources = sourcesOf('api').join('\n');
    const unused = CODES.filter((code) => !isMentioned(sources, code));
    expect(unused).toEqual([]);
  });

  test('only passing conditions are retryable, and an AppError takes status and retryability from the catalog (R38)', () => {
    for (const code of CODES) {
      const { status, retryable } = ERRORS[code];
      expect({ code, retryable }).toEqual({ code, retryable: status === 429 || status === 503 });
      expect(new AppError({ code, detail: 'x' })).toMatchObject({ code, status, retryable });
      expect(ERROR_HELP[code].howToFix).toMatch(/\.$/);
    }
  });
});

/** `task-not-found` and its like are made from the kind of thing that was not found. */
function isMentioned(sources: string, code: ErrorCode): boolean {
  const kind = /^(task|swarm|schedule|approval|session|gateway|budget|pool|tenant)-not-found$/.exec(
    code,
  )?.[1];
  return kind === undefined
    ? sources.includes(`code: '${code}'`)
    : sources.includes(`notFound('${kind}'`) && sources.includes('code: `${kind}-not-found`');
}

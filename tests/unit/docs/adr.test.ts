import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PROJECT_DIR } from '../../support/planted-tree.ts';

const dir = join(PROJECT_DIR, 'docs/adr');
const records = readdirSync(dir).filter((name) => name !== 'README.md');

describe('the architecture decisions', () => {
  test.each(records)('%s has the form that its list describes, in at most 40 lines', (name) => {
    const text = readFileSync(join(dir, name), 'utf8');
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(name).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
    expect(text).toMatch(
      new RegExp(`^# ${name.slice(0, 4)} .+\n\nStatus: (accepted|replaced by \\d{4})\n`),
    );
    expect(headings).toEqual(['Situation', 'Decision', 'What follows', 'Not taken']);
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });

  test('are numbered without gaps and all stand in the list', () => {
    const list = readFileSync(join(dir, 'README.md'), 'utf8');
    expect(records.map((name) => name.slice(0, 4))).toEqual(
      records.map((_, index) => String(index + 1).padStart(4, '0')),
    );
    expect(records.filter((name) => !list.includes(`(${name})`))).toEqual([]);
  });
});

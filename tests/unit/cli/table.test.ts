import { describe, expect, test } from '@jest/globals';
import { renderFields, renderTable } from '../../../cli/output/table.ts';
import { harmless, shorten, widthOf } from '../../../cli/output/text.ts';

const columns = [
  { title: 'ID', value: (row: { id: string }) => row.id },
  { title: 'PROMPT', value: (row: { prompt?: string | null }) => row.prompt, canShrink: true },
  { title: 'N', value: (row: { n?: number | null }) => row.n, align: 'right' as const },
];
type Row = { id: string; prompt?: string | null; n?: number | null };
const render = (rows: Row[], width?: number): string[] =>
  renderTable<Row>({ columns, rows, width });

describe('tables', () => {
  test('columns line up, numbers to the right, empty cells are a dash', () => {
    expect(
      render([
        { id: 'a', prompt: 'short', n: 5 },
        { id: 'bbb', prompt: null, n: 100 },
      ]),
    ).toEqual(['ID   PROMPT    N', 'a    short     5', 'bbb  -       100']);
  });

  test('a file or pipe gets whole cells, a narrow terminal gets them cut with an ellipsis', () => {
    const long = 'x'.repeat(200);
    expect(render([{ id: 'a', prompt: long, n: 1 }])[1]).toContain(long);
    for (const line of render([{ id: 'a', prompt: long, n: 1 }], 40)) {
      expect(widthOf(line)).toBeLessThanOrEqual(40);
    }
    expect(render([{ id: 'a', prompt: long, n: 1 }], 40)[1]).toContain('…');
  });

  test('wide characters count two columns, so lines stay aligned', () => {
    const [, wide, plain] = render([
      { id: '日本', prompt: 'p', n: 1 },
      { id: 'abcd', prompt: 'p', n: 1 },
    ]);
    expect(widthOf(wide!)).toBe(widthOf(plain!));
    expect(shorten('日本語日本語', 5)).toBe('日本…');
  });

  test('text that others wrote cannot steer the terminal', () => {
    const evil = 'a\u001b[2Jb\u001b]0;title\u0007c\rd\u0008e\u009bf';
    expect(render([{ id: evil, prompt: null, n: 1 }]).join('')).not.toMatch(/\p{Cc}/u);
    expect(harmless('one\ntwo\tthree')).toBe('one two three');
    expect(harmless('one\r\ntwo\u001b[31m\tthree', { keepLines: true })).toBe('one\ntwo\tthree');
  });

  test('fields without a value are left out and values stand below each other', () => {
    expect(
      renderFields([
        ['state', 'queued'],
        ['gateway', null],
        ['id', 't1'],
      ]),
    ).toEqual(['state  queued', 'id     t1']);
  });
});

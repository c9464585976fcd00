import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePositionedYaml, type PlacedProblem } from '../../../cli/positioned-yaml.ts';

const yaml = (text: string) => {
  const parsed = parsePositionedYaml(text);
  if (parsed.kind !== 'ok') throw new Error(JSON.stringify(parsed.problems));
  return parsed.yaml;
};

const problems = (text: string): readonly PlacedProblem[] => {
  const parsed = parsePositionedYaml(text);
  return parsed.kind === 'invalid' ? parsed.problems : [];
};

describe('YAML with positions', () => {
  const text = [
    'name: x',
    'nodes:',
    '  - id: a',
    '    prompt: p',
    '  - id: b',
    '    dependsOn: [a, zz]',
    '',
  ].join('\n');

  test('a value is told at the line and column of its key', () => {
    expect(yaml(text).place({ path: ['nodes', 1, 'dependsOn'], message: 'm' })).toEqual({
      line: 6,
      column: 5,
      path: 'nodes[1].dependsOn',
      message: 'm',
    });
  });

  test('an item of a list is told at the item itself', () => {
    expect(yaml(text).place({ path: ['nodes', 1, 'dependsOn', 1], message: 'm' })).toMatchObject({
      line: 6,
      column: 20,
    });
  });

  test('a missing key is told at what lacks it', () => {
    expect(yaml(text).place({ path: ['nodes', 1, 'prompt'], message: 'm' })).toMatchObject({
      line: 5,
      column: 5,
    });
    expect(yaml(text).place({ path: ['strategy'], message: 'm' })).toMatchObject({
      line: 1,
      column: 1,
    });
  });

  test('every syntax error is told at once, with its place', () => {
    expect(problems('a: [1, 2\nb: "x\nc: {').length).toBeGreaterThan(1);
  });

  test.each([
    ['an empty file', '', 1],
    ['only a comment', '# hello\n', 1],
    ['a second document', 'a: 1\n---\nb: 2\n', 3],
    ['the same key twice', 'a: 1\nb: 2\na: 3\n', 3],
    [
      'an alias bomb',
      `a: &a [${'x,'.repeat(200)}]\nb: &b [${'*a,'.repeat(200)}]\nc: [${'*b,'.repeat(200)}]\n`,
      1,
    ],
  ])('%s is refused with a place', (_name, broken, line) => {
    expect(problems(broken)[0]).toMatchObject({ line });
  });

  test('JSON is read like YAML', () => {
    expect(
      yaml('{"name": "x",\n "nodes": [{"id": 1}]}').place({
        path: ['nodes', 0, 'id'],
        message: '',
      }),
    ).toMatchObject({
      line: 2,
      column: 13,
    });
  });

  test('any text gives a value or at least one placed problem, never an exception', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '&x',
      '*x',
      '#',
      '|',
      '>',
      '---',
      '\t',
      '!',
      '%',
      '@',
      ',',
      '?',
      '<<: ',
      '1e999',
      '\u0000',
      '💥',
    );
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anyText, (broken) => {
        const parsed = parsePositionedYaml(broken);
        const placed =
          parsed.kind === 'ok'
            ? [parsed.yaml.place({ path: ['nodes', 3, 'id'], message: 'm' })]
            : parsed.problems;
        expect(placed.length).toBeGreaterThan(0);
        for (const { line, column } of placed) expect(Math.min(line, column)).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkSwarmText } from '../../../cli/swarm-file.ts';
import { dashctl } from './harness.ts';

const examples = readdirSync('examples').filter((name) => name.endsWith('.yaml'));
const exampleText = (name: string): string => readFileSync(`examples/${name}`, 'utf8');

describe('swarm files', () => {
  test.each(examples)('the example %s is valid', (name) => {
    expect(checkSwarmText(exampleText(name))).toMatchObject({ kind: 'ok' });
  });

  test('every error is told at once, with line, column and path; exit code 2, nothing created', async () => {
    const file = [
      'name: ""',
      'strategy: dag',
      'maxParalel: 3',
      'nodes:',
      '  - id: A',
      '    prompt: x',
      '  - id: b',
      '    prompt: y',
      '    dependsOn: [zz]',
      '  - id: b',
      '    prompt: z',
      '',
    ].join('\n');
    let asked = 0;
    const run = await dashctl(['swarm', 'run', '-'], {
      stdin: file,
      answer: () => ((asked += 1), [500, {}]),
    });
    expect({ exitCode: run.exitCode, stdout: run.stdout, asked }).toEqual({
      exitCode: 2,
      stdout: '',
      asked: 0,
    });
    const places = run.stderr
      .split('\n')
      .map((line) => /^ {2}(\d+:\d+ \S+):/.exec(line)?.[1])
      .filter(Boolean);
    expect(places).toEqual(
      expect.arrayContaining([
        '1:1 name',
        '3:1 maxParalel',
        '5:5 nodes[0].id',
        '9:17 nodes[1].dependsOn[0]',
        '10:5 nodes[2].id',
      ]),
    );
    expect(run.stderr).toContain('maxParallel');
  });

  test('a syntax error is told like any other', async () => {
    const run = await dashctl(['swarm', 'run', '-', '--json'], { stdin: 'name: x\nnodes: [\n' });
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(JSON.parse(run.stderr)).toMatchObject({
      error: {
        code: 'invalid-swarm-file',
        details: [{ where: expect.stringMatching(/^\d+:\d+/) }],
      },
    });
  });

  test('--check answers without asking the API', async () => {
    const run = await dashctl(['swarm', 'run', 'examples/first-swarm.yaml', '--check', '--json'], {
      cwd: process.cwd(),
    });
    expect(run.exitCode).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ valid: true, nodes: expect.any(Number) });
  });

  test('any breakage of a good file gives a good file or at least one placed error, never an exception', () => {
    const junk = fc.constantFrom(
      '',
      ':',
      '- ',
      '\n',
      '  ',
      '{',
      ']',
      '"',
      '&a',
      '*a',
      'null',
      '{{item}}',
      'nodes:',
      '-1',
      '\u0000',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...examples),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 40 }), junk), { minLength: 1, maxLength: 4 }),
        (name, cuts) => {
          const broken = cuts.reduce((text, [at, length, insert]) => {
            const place = at % (text.length + 1);
            return text.slice(0, place) + insert + text.slice(place + length);
          }, exampleText(name));
          const checked = checkSwarmText(broken);
          const problems = checked.kind === 'ok' ? [] : checked.problems;
          expect(checked.kind === 'ok' || problems.length > 0).toBe(true);
          const lines = broken.split('\n').length;
          for (const { line, column, message } of problems) {
            expect(line).toBeGreaterThan(0);
            expect(line).toBeLessThanOrEqual(lines);
            expect(column).toBeGreaterThan(0);
            expect(message).not.toBe('');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

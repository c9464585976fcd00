import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { COMMANDS } from '../../../cli/commands.ts';
import { parseInvocation } from '../../../cli/program.ts';

/** The words of a command line as a shell would split it (quotes, no variables), without what it pipes and sets. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  return words.slice(words.lastIndexOf('|') + 1).filter((word) => !/^[A-Z_]+=/.test(word));
}

function commandLine(line: string): string[] | undefined {
  const words = wordsOf(line);
  if (words[0] === 'dashctl') return words.slice(1);
  if (words.slice(0, 4).join(' ') === 'npm run dashctl --') return words.slice(4);
  if (words[0] === 'npm' && words[1] === 'start')
    return ['up', '--first-swarm', 'x', ...words.slice(3)];
  return undefined;
}

function documentedLines(): string[] {
  const blocks = readFileSync('README.md', 'utf8').matchAll(/```sh\n([^]*?)```/g);
  const fromReadme = [...blocks].flatMap((block) => (block[1] ?? '').trim().split('\n'));
  return [...fromReadme, ...COMMANDS.flatMap(({ examples }) => examples)].filter(
    (line) => line !== 'npm test',
  );
}

test.each(documentedLines())(
  'the documented line "%s" is a command that dashctl takes (R54)',
  (line) => {
    const argv = commandLine(line);
    expect(argv).toBeDefined();
    const invocation = parseInvocation({ argv: argv ?? [], commands: COMMANDS, version: '0' });
    expect(invocation).toMatchObject({ kind: 'run' });
  },
);

test('every file that the README names exists', () => {
  const links = [...readFileSync('README.md', 'utf8').matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(
    (match) => match[1] ?? '',
  );
  const missing = links.filter((link) => !existsSync(link));
  expect(missing).toEqual([]);
});

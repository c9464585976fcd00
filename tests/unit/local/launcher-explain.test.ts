import { expect, test } from '@jest/globals';
import { join } from 'node:path';

interface Explain {
  explainNpm(output: string, where: { what: string; directory: string }): string;
}
const { explainNpm } = (await import(
  join(import.meta.dirname, '../../../scripts/launch/explain.mjs')
)) as Explain;
const where = { what: 'Could not install x', directory: '/project' };

test.each([
  ['npm error code ENOTFOUND\nnpm error network request to …', 'registry cannot be reached'],
  ['npm error code ENOSPC\nnpm error syscall write', 'disk that holds /project is full'],
  ['npm error code EACCES\nnpm error syscall mkdir', '/project may not be written'],
  ['npm error code EINTEGRITY\nnpm error sha512-…', 'differs from the locked one'],
  [
    'npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync',
    'do not belong together',
  ],
])('what npm says becomes what it means: %s', (output, sentence) => {
  expect(explainNpm(output, where)).toContain(sentence);
});

test('a failure nobody foresaw shows the last words of npm, without its chatter', () => {
  const text = explainNpm('npm http fetch GET 200 x\nnpm warn old\nnpm error strange thing', where);
  expect(text).toContain('strange thing');
  expect(text).not.toContain('npm http');
  expect(text).not.toContain('npm warn');
});

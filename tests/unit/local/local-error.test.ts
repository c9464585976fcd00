import { expect, test } from '@jest/globals';
import { explainFileError, LocalError } from '../../../src/local/local-error.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: boom`), { code });
}

test.each([
  ['ENOSPC', 'disk-full', 'full'],
  ['EDQUOT', 'disk-full', 'full'],
  ['EACCES', 'not-writable', 'may not be written'],
  ['EROFS', 'not-writable', 'may not be written'],
])('%s becomes a sentence that names the path and what to do', (system, code, word) => {
  const explained = explainFileError(systemError(system), '/data/dash');
  expect(explained).toBeInstanceOf(LocalError);
  expect(explained).toMatchObject({ code, message: expect.stringContaining('/data/dash') });
  expect(String(explained)).toContain(word);
});

test('an error that no person can act on stays what it was', () => {
  const defect = new TypeError('x is not a function');
  expect(explainFileError(defect, '/data')).toBe(defect);
});

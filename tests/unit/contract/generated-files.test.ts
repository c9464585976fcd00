import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { generatedFiles } from '../../../scripts/gen/generated-files.ts';

const ROOT = join(import.meta.dirname, '../../..');

test.each([...generatedFiles(ROOT)])(
  '%s is what the code makes of it now; else run `npm run gen` (R29)',
  (path, content) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(content);
  },
);

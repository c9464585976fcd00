import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the Dockerfile sets for the processes of the image, for those that run without one as they do in it. */
export function imageEnvironment(): Record<string, string> {
  const dockerfile = readFileSync(join(import.meta.dirname, '..', 'Dockerfile'), 'utf8');
  const lines = dockerfile.replaceAll(/\\\n\s*/g, ' ');
  const lastStage = lines.slice(lines.lastIndexOf('\nFROM '));
  const settings = [...lastStage.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) => [
    ...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g),
  ]);
  return Object.fromEntries(
    settings.map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']),
  );
}

/** The image without Docker: what the Dockerfile lays into it, and what it sets for its processes. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');

/** Lays what the image has under /app into a new folder, and answers where its compiled programs are. */
export async function layOutImage(imageDir: string): Promise<string> {
  const compiled = join(imageDir, 'dist');
  mkdirSync(imageDir, { recursive: true });
  const builder = join(root, 'scripts', 'build.ts');
  await promisify(execFile)(process.execPath, [builder, '--out-dir', compiled], { cwd: root });
  cpSync(join(root, 'package.json'), join(imageDir, 'package.json'));
  cpSync(join(root, 'examples'), join(imageDir, 'examples'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(imageDir, 'node_modules'));
  return compiled;
}

/** What the Dockerfile sets for the processes of the image. */
export function imageEnvironment(): Record<string, string> {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const lines = dockerfile.replaceAll(/\\\n\s*/g, ' ');
  const lastStage = lines.slice(lines.lastIndexOf('\nFROM '));
  const settings = [...lastStage.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) => [
    ...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g),
  ]);
  return Object.fromEntries(
    settings.map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']),
  );
}

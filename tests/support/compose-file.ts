import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** One service of docker-compose.yml, as far as the tests look at it. */
export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const FILE = join(import.meta.dirname, '../../docker-compose.yml');

/** The file with its `<<` merges carried out and its variables as they stand (`${…}`). */
export function readComposeFile(): ComposeFile {
  return parse(readFileSync(FILE, 'utf8'), { merge: true }) as ComposeFile;
}

/** The variables that the file asks for: name, and whether it must be set (`:?`). */
export function composeVariables(): readonly { name: string; isRequired: boolean }[] {
  const found = readFileSync(FILE, 'utf8').matchAll(/\$\{([A-Z_]+)(:[?-])?/g);
  const variables = new Map([...found].map(([, name = '', mark]) => [name, mark === ':?']));
  return [...variables].map(([name, isRequired]) => ({ name, isRequired }));
}

/** Puts values in as `docker compose` does: `${A}`, `${A:-default}`, `${A:?message}`. */
export function interpolate(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$\{([A-Z_]+)(?::([?-])([^}]*))?\}/g,
    (_all, name: string, mark?: string, rest = '') => {
      const value = values[name] ?? '';
      if (value !== '') return value;
      if (mark === '?') throw new Error(`${name} is required: ${rest}`);
      return mark === '-' ? rest : '';
    },
  );
}

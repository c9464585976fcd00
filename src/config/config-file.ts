import { basename } from 'node:path';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { ConfigError, type ConfigProblem } from './config-error.ts';

/** A configuration file that was read: what it says, and where it says it. */
export interface ParsedConfigFile {
  readonly content: Readonly<Record<string, unknown>>;
  /** `dash.yaml:3:9`, or the file's name for what does not stand in it. */
  locate(path: readonly (string | number)[]): string;
}

/** Parses the text of a YAML file. Throws ConfigError with line and column when it is none, or no mapping. */
export function parseConfigFile(file: { path: string; text: string }): ParsedConfigFile {
  const name = basename(file.path);
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error): ConfigProblem => ({
        setting: name,
        source: at(error.pos[0]),
        message: error.message,
      })),
    );
  }
  const content: unknown = document.toJS() ?? {};
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new ConfigError([
      { setting: name, source: name, message: 'must be a mapping of setting names to values' },
    ]);
  }
  return {
    content: content as Record<string, unknown>,
    locate: (path) => {
      const offset = offsetOf(document, path);
      return offset === undefined ? name : at(offset);
    },
  };
}

function offsetOf(document: Document, path: readonly (string | number)[]): number | undefined {
  const node = document.getIn(path, true) as { range?: readonly number[] } | undefined;
  return node?.range?.[0];
}

/**
 * YAML (and JSON, which is YAML) with positions: every complaint about a value, of the parser or of a
 * schema, is told by line and column, all at once and in the order of the file.
 */
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type ParsedNode,
} from 'yaml';
import { formatPath, type InputProblem } from '../src/domain/input-problems.ts';

/** A complaint with its place, both counted from 1; `path` reads `nodes[2].prompt`, empty for the file as such. */
export interface PlacedProblem {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}

export interface PositionedYaml {
  readonly value: unknown;
  /** Finds the place of a value, or of the nearest thing around it that stands in the file. */
  readonly place: (problem: InputProblem) => PlacedProblem;
}

export type ParsedYaml =
  | { readonly kind: 'ok'; readonly yaml: PositionedYaml }
  | { readonly kind: 'invalid'; readonly problems: readonly PlacedProblem[] };

/** Total: any text gives a value or at least one placed problem, never an exception. */
export function parsePositionedYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, text.length)));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  const problems: PlacedProblem[] = documents.flatMap((document) =>
    document.errors.map(({ pos, message }) => ({ ...at(pos[0]), path: '', message })),
  );
  const [document, second] = documents;
  if (second !== undefined && problems.length === 0) {
    problems.push({
      ...at(startOf(second)),
      path: '',
      message: 'one file holds one document; remove what follows `---`',
    });
  }
  if (document === undefined || isEmpty(document)) {
    problems.push({ line: 1, column: 1, path: '', message: 'the file is empty' });
  }
  if (document === undefined || problems.length > 0)
    return { kind: 'invalid', problems: inOrder(problems) };
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    const place = ({ path, message }: InputProblem): PlacedProblem => ({
      ...at(offsetOf(document, path)),
      path: path.length === 0 ? '' : formatPath(path),
      message,
    });
    return { kind: 'ok', yaml: { value, place } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'invalid', problems: [{ line: 1, column: 1, path: '', message }] };
  }
}

/** As a person reads a file: from the top. */
export function inOrder(problems: readonly PlacedProblem[]): PlacedProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** Goes down as far as the file does; a key that is missing is told at the mapping that lacks it. */
function offsetOf(document: Document.Parsed, path: InputProblem['path']): number {
  let node: unknown = document.contents;
  let offset = startOf(document);
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === String(part));
      if (pair === undefined) return offset;
      offset = rangeStart(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (node === undefined) return offset;
      offset = rangeStart(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function startOf(document: Document.Parsed): number {
  return rangeStart(document.contents) ?? document.range[0];
}

function rangeStart(node: unknown): number | undefined {
  if (isPair(node)) return rangeStart(node.key);
  return isNode(node)
    ? ((node as ParsedNode).range as readonly number[] | null | undefined)?.[0]
    : undefined;
}

function isEmpty(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (isScalar(contents) && contents.value === null);
}

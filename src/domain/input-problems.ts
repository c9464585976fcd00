import type { z } from 'zod';

/** One thing that is wrong with what a person wrote: where, and what to do about it. */
export interface InputProblem {
  /** Keys and indexes from the root of the document. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** `nodes[2].dependsOn[0]`: a path as people write it; the root is `(document)`. */
export function formatPath(path: readonly (string | number)[]): string {
  if (path.length === 0) return '(document)';
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/**
 * Every problem that a schema found in `input`, in sentences. Unknown keys become one problem each, at the key
 * itself, with the nearest known key as a suggestion.
 */
export function problemsOf(
  error: z.ZodError,
  schema: z.core.$ZodType,
  input: unknown,
): readonly InputProblem[] {
  return error.issues.flatMap((issue) => explain(issue, schema, input));
}

function explain(
  issue: z.core.$ZodIssue,
  schema: z.core.$ZodType,
  input: unknown,
): readonly InputProblem[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path, input);
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
  }
  if (valueAt(input, path) === undefined && issue.code !== 'custom') {
    return [{ path, message: `is missing: ${expectation(issue)}` }];
  }
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    return [{ path, message: `must be one of ${choices(optionsOf(issue))}` }];
  }
  if (issue.code === 'invalid_type')
    return [{ path, message: `must be ${article(issue.expected)}` }];
  if (issue.code === 'invalid_value') {
    return [{ path, message: `must be one of ${choices(issue.values)}` }];
  }
  return [{ path, message: lowerFirst(issue.message) }];
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `${article(issue.expected)} is needed here`;
  if (issue.code === 'invalid_value') return `one of ${choices(issue.values)} is needed here`;
  if (issue.code === 'invalid_union') return `one of ${choices(optionsOf(issue))} is needed here`;
  return lowerFirst(issue.message);
}

/** The discriminator's values, which the declared type of the issue leaves out. */
function optionsOf(issue: z.core.$ZodIssueInvalidUnion): readonly unknown[] {
  const { options } = issue as { readonly options?: unknown };
  return Array.isArray(options) ? options : [];
}

function choices(values: readonly unknown[] | undefined): string {
  return (values ?? [])
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .join(', ');
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a mapping of names to values',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function article(kind: string): string {
  return KINDS[kind] ?? kind;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  const hint = near === null ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
  return `"${key}" is not known here; ${hint}`;
}

function valueAt(input: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return (value as Readonly<Record<string | number, unknown>>)[step];
  }, input);
}

/** The keys that the schema knows at `path`; of several alternatives, those of the ones that `input` chose. */
function knownKeys(
  schema: z.core.$ZodType,
  path: readonly (string | number)[],
  input: unknown,
): readonly string[] {
  let schemas = alternatives(schema, input);
  let value = input;
  for (const step of path) {
    value = valueAt(value, [step]);
    const inside = value;
    schemas = schemas.flatMap((one) => childOf(one, step)).flatMap((s) => alternatives(s, inside));
  }
  return [...new Set(schemas.flatMap((one) => Object.keys(shapeOf(one))))];
}

function childOf(schema: z.core.$ZodType, step: string | number): readonly z.core.$ZodType[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'array') return [def.element];
  if (def.type === 'record') return [def.valueType];
  const child = shapeOf(schema)[step];
  return child === undefined ? [] : [child];
}

function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === 'object' ? def.shape : {};
}

function alternatives(schema: z.core.$ZodType, input: unknown): readonly z.core.$ZodType[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if ('innerType' in def) return alternatives(def.innerType, input);
  return def.type === 'union' ? chosenOptions(def, input) : [schema];
}

/** Of a discriminated union the alternative that the input names; of any other union all of them. */
function chosenOptions(def: z.core.$ZodUnionDef, input: unknown): readonly z.core.$ZodType[] {
  if (!('discriminator' in def) || typeof def.discriminator !== 'string') return def.options;
  const key = def.discriminator;
  const named = valueAt(input, [key]) as z.core.util.Primitive;
  return def.options.filter((option) => shapeOf(option)[key]?._zod.values?.has(named));
}

/** The known name with the fewest edits, if it is near enough to be a slip of the finger. */
export function nearest(name: string, known: readonly string[]): string | null {
  const most = Math.floor(name.length / 3);
  let best: { name: string; edits: number } | null = null;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits <= most && (best === null || edits < best.edits)) best = { name: candidate, edits };
  }
  return best?.name ?? null;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

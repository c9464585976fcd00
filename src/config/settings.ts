import type { z } from 'zod';
import { configSchema, type SettingMeta } from './schema.ts';

/** One setting of the schema: where it stands in the file, and what is known about it. */
export interface SettingSpec extends SettingMeta {
  readonly path: readonly string[];
  /** undefined: there is none. */
  readonly defaultValue: unknown;
}

/** All settings of the schema, in its order. */
export function allSettings(): readonly SettingSpec[] {
  return walk(configSchema, []);
}

/** The value at `path`, or undefined. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  );
}

/** A copy of the tree with `value` at `path`. */
export function withValue(
  tree: Readonly<Record<string, unknown>>,
  path: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const [key, ...rest] = path;
  if (key === undefined) return { ...tree };
  if (rest.length === 0) return { ...tree, [key]: value };
  const inner = tree[key];
  const branch =
    typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  return { ...tree, [key]: withValue(branch, rest, value) };
}

function walk(schema: z.core.$ZodType, path: readonly string[]): SettingSpec[] {
  const { shape } = unwrap(schema) as { shape?: Readonly<Record<string, z.ZodType>> };
  return Object.entries(shape ?? {}).flatMap(([key, child]) => {
    const meta = child.meta() as Partial<SettingMeta> | undefined;
    const here = [...path, key];
    if (meta?.env === undefined || meta.description === undefined) return walk(child, here);
    const { env, description, secret = false } = meta;
    return [{ path: here, env, description, secret, defaultValue: defaultOf(child) }];
  });
}

/** The object inside `.prefault({})` and refinements. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodTypeDef {
  const { def } = schema._zod;
  return 'innerType' in def ? unwrap(def.innerType as z.core.$ZodType) : def;
}

function defaultOf(schema: z.ZodType): unknown {
  const parsed = schema.safeParse(undefined);
  return parsed.success ? parsed.data : undefined;
}

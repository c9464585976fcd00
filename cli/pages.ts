import { z } from 'zod';
import type { CliContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { positiveCount } from './fields.ts';
import type { Column } from './output/table.ts';

/** Lists come in pages; a person asks for a number of rows, or for all. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

const LARGEST_PAGE = 200;

/** Reads pages until `limit` rows are there or none is left; `nextCursor` says where it would go on. */
export async function readPages<Item>(options: {
  limit: number;
  cursor: string | undefined;
  read: (page: { limit: number; cursor?: string }) => Promise<Page<Item>>;
}): Promise<Page<Item>> {
  const items: Item[] = [];
  let cursor = options.cursor;
  for (;;) {
    const limit = Math.min(LARGEST_PAGE, options.limit - items.length);
    const page = await options.read({ limit, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    if (page.nextCursor === null || items.length >= options.limit) {
      return { items, nextCursor: page.nextCursor };
    }
    cursor = page.nextCursor;
  }
}

/** What every list takes, as options and as input. */
export const pageOptions = [
  { flags: '--limit <n>', help: 'how many at most (50)' },
  { flags: '--cursor <cursor>', help: 'go on where an earlier list ended (its nextCursor)' },
];
export const pageInput = { limit: positiveCount.default(50), cursor: z.string().optional() };

/** The list of a command: reads as many rows as were asked for, prints them, and says how to go on where there are more. */
export async function listPages<Item>(
  context: CliContext,
  list: Parameters<typeof readPages<Item>>[0] & {
    /** By the time of the answer, milliseconds since the epoch. */
    readonly columns: (nowMs: number) => readonly Column<Item>[];
    /** Said when there is no row; null: an empty table says it. */
    readonly none: string | null;
    /** The command also takes --all. */
    readonly takesAll?: boolean;
  },
): Promise<ExitCode> {
  const page = await readPages(list);
  const isEmpty = page.items.length === 0;
  context.output.result(page, (print) => {
    if (!isEmpty || list.none === null) print.table(list.columns(context.clock.now()), page.items);
  });
  if (isEmpty && list.none !== null) context.output.note(list.none);
  else if (page.nextCursor !== null) {
    const ways = list.takesAll ? '--limit, --all, or' : '--limit, or';
    context.output.note(`There are more: ${ways} --cursor ${page.nextCursor}`);
  }
  return EXIT.ok;
}

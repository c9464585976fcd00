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

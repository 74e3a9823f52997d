// A list of which the gateway gives a page at a time.

import type { Page } from "./api/types";

export interface Pages<T> {
    /** What it is a list of: a search. */
    of: string;
    items: T[];
    /** Where the next page begins; null behind the last. */
    cursor: string | null;
}

/** The first page, looked up once more: what is new stands before what was there. */
export function withFirst<T extends { id: string }>(before: Pages<T> | null, page: Page<T>, of: string): Pages<T> {
    const fresh = { of, items: page.items, cursor: page.next_cursor };
    if (before === null || before.of !== of) return fresh;
    const known = new Set(before.items.map(({ id }) => id));
    // So much is new that some may stand between the page and what was there.
    if (page.next_cursor !== null && !page.items.some(({ id }) => known.has(id))) return fresh;
    return { of, items: joined(page.items, before.items), cursor: before.cursor };
}

/** The page behind the last. */
export function withNext<T extends { id: string }>(before: Pages<T> | null, page: Page<T>, of: string): Pages<T> | null {
    if (before === null || before.of !== of) return before;
    return { of, items: joined(before.items, page.items), cursor: page.next_cursor };
}

function joined<T extends { id: string }>(first: T[], second: T[]): T[] {
    const seen = new Set(first.map(({ id }) => id));
    return [...first, ...second.filter(({ id }) => !seen.has(id))];
}

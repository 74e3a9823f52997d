import { createStore, useStore } from "./store";

/** Where the page stands. The gateway answers each of these paths with the page, and no others. */
export type Route =
    | { page: "calls" }
    | { page: "call"; id: string }
    | { page: "phone" }
    | { page: "patients" }
    | { page: "patient"; id: string }
    | { page: "unknown" };

const path = createStore(window.location.pathname);

window.addEventListener("popstate", () => path.set(window.location.pathname));

export function parse(pathname: string): Route {
    const [first, second, ...more] = pathname.split("/").filter((part) => part !== "");
    if (more.length > 0) return { page: "unknown" };
    switch (first) {
        case undefined:
        case "calls":
            return second === undefined ? { page: "calls" } : { page: "call", id: second };
        case "patients":
            return second === undefined ? { page: "patients" } : { page: "patient", id: second };
        case "phone":
            return second === undefined ? { page: "phone" } : { page: "unknown" };
        default:
            return { page: "unknown" };
    }
}

export function useRoute(): Route {
    return parse(useStore(path));
}

export function go(to: string): void {
    if (to === window.location.pathname) return;
    window.history.pushState(null, "", to);
    path.set(to);
    window.scrollTo(0, 0);
}

/** A click that the page follows by itself: the plain one, without a key that asks for a new tab. */
export function follow(event: MouseEvent, to: string): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
}

/** The same for a whole row: a link in it follows itself, and words that are marked are not a click. */
export function followRow(event: MouseEvent, to: string): void {
    const inner = (event.target as Element).closest("a, button");
    if (inner === null && window.getSelection()?.isCollapsed !== false) follow(event, to);
}

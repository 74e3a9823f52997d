// What the page's modules look for when they are loaded: a window, a store, a gateway.

import { mock } from "node:test";

export interface Asked {
    method: string;
    path: string;
    authorization: string | null;
}

type Answering = (asked: Asked) => Response | Promise<Response> | null;

export class Page {
    readonly kept = new Map<string, string>();
    readonly asked: Asked[] = [];
    /** Asked before the gateway; null leaves it the answer. */
    refuse: Answering = () => null;
    me: Record<string, unknown> = { permissions: [], user: { name: "Ana" } };
    readonly window = new EventTarget();

    /** To be called before a module of the page is loaded. */
    install(): void {
        mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: Date.parse("2027-01-15T08:00:00Z") });
        const put = (name: string, value: unknown): void => void Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
        put("window", this.window);
        put("localStorage", {
            getItem: (key: string) => this.kept.get(key) ?? null,
            setItem: (key: string, value: string) => void this.kept.set(key, value),
            removeItem: (key: string) => void this.kept.delete(key),
        });
        put("fetch", this.fetch);
    }

    readonly fetch = async (path: string, init: RequestInit): Promise<Response> => {
        const asked = { method: init.method ?? "GET", path: new URL(path, "http://gw.test").pathname, authorization: new Headers(init.headers).get("authorization") };
        this.asked.push(asked);
        const gone = new Promise<never>((_, reject) => init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))));
        return (await Promise.race([this.refuse(asked), gone])) ?? this.#answer(asked);
    };

    of(path: string): Asked[] {
        return this.asked.filter((asked) => asked.path === path);
    }

    #answer({ path }: Asked): Response {
        switch (path) {
            case "/v1/auth/refresh":
                return json({ access_token: `at_${this.of(path).length}` });
            case "/v1/auth/me":
                return json(this.me);
            case "/v1/auth/logout":
                return new Response(null, { status: 204 });
            case "/v1/whip_tokens":
                return json({ token: "wt_1" });
            default:
                return new Response("{}", { status: 404 });
        }
    }
}

export function json(body: unknown, status = 200): Response {
    return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

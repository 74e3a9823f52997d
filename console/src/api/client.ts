// One way to ask the gateway. The access token lives here, in memory, and nowhere else; the refresh token is a cookie
// that no script can read.

import type { Tokens } from "./types";

/** What the gateway said instead of what was asked for. Status 0: it could not be reached. */
export class ApiFailure extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        readonly reason: string | null,
        readonly field: string | null,
        readonly requestId: string | null,
        readonly retryAfterS: number | null,
        message: string,
    ) {
        super(message);
        this.name = "ApiFailure";
    }
}

export interface Answer<T> {
    status: number;
    body: T;
    etag: string | null;
}

export interface Asking {
    body?: unknown;
    headers?: Record<string, string>;
    signal?: AbortSignal;
    /** Without credentials: the steps of signing in. */
    open?: boolean;
    /** By this token in place of the one that is kept. */
    bearer?: string;
}

let access: string | null = null;
/** Counts whose page it is: what was asked for in one sign-in is not kept in the next. */
let tenure = 0;
let refreshing: Promise<boolean> | null = null;
let onSignedOut: () => void = () => {};

/** Who is told that the credentials are over. */
export function whenSignedOut(listener: () => void): void {
    onSignedOut = listener;
}

export function keep(tokens: Tokens | null): void {
    access = tokens?.access_token ?? null;
    if (tokens === null) tenure += 1;
}

export function accessToken(): string | null {
    return access;
}

/** Exchanges the cookie for the next access token; several who ask at one time share one exchange. */
export function refresh(): Promise<boolean> {
    refreshing ??= exchange().finally(() => (refreshing = null));
    return refreshing;
}

async function exchange(): Promise<boolean> {
    const whose = tenure;
    const tokens = await exchanged();
    if (tokens === null || whose !== tenure) return false;
    keep(tokens);
    return true;
}

/** Null where the cookie is good for nothing, or there is none. */
async function exchanged(signal?: AbortSignal): Promise<Tokens | null> {
    try {
        return (await send<Tokens>("POST", "/v1/auth/refresh", { body: {}, open: true, ...(signal ? { signal } : {}) })).body;
    } catch (failure) {
        // 422: the browser had no cookie to send.
        if (failure instanceof ApiFailure && [401, 403, 422].includes(failure.status)) return null;
        throw failure;
    }
}

/** Ends a sign-in at the gateway, by its access token or by the cookie; throws when the gateway did not hear of it. */
export async function logOut(token: string | null, signal: AbortSignal): Promise<void> {
    if (token !== null && (await loggedOut(token, signal))) return;
    // It had run out, or the page was left before: the cookie is as good, if it is there yet.
    const fresh = await exchanged(signal);
    if (fresh !== null) await loggedOut(fresh.access_token, signal);
}

async function loggedOut(bearer: string, signal: AbortSignal): Promise<boolean> {
    try {
        await fetched("POST", "/v1/auth/logout", { bearer, signal });
        return true;
    } catch (failure) {
        if (failure instanceof ApiFailure && failure.status === 401) return false;
        throw failure;
    }
}

/** Asks; an access token that has run out is exchanged once. */
export async function ask<T>(method: string, path: string, asking: Asking = {}): Promise<Answer<T>> {
    const response = await open(method, path, asking);
    return { status: response.status, body: (await read(response)) as T, etag: response.headers.get("etag") };
}

/** The same for an answer that goes on: a stream. */
export async function open(method: string, path: string, asking: Asking = {}): Promise<Response> {
    try {
        return await fetched(method, path, asking);
    } catch (failure) {
        const over = failure instanceof ApiFailure && failure.status === 401 && asking.open !== true;
        if (!over) throw failure;
        if (await refresh()) return fetched(method, path, asking);
        access = null;
        onSignedOut();
        throw failure;
    }
}

async function send<T>(method: string, path: string, asking: Asking): Promise<Answer<T>> {
    const response = await fetched(method, path, asking);
    return { status: response.status, body: (await read(response)) as T, etag: response.headers.get("etag") };
}

async function fetched(method: string, path: string, asking: Asking): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json", ...asking.headers };
    const bearer = asking.bearer ?? access;
    if (bearer !== null && asking.open !== true) headers["authorization"] = `Bearer ${bearer}`;
    const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store", redirect: "error" };
    if (asking.signal) init.signal = asking.signal;
    if (asking.body !== undefined) {
        headers["content-type"] = "application/json";
        init.body = JSON.stringify(asking.body);
    }
    let response: Response;
    try {
        response = await fetch(path, init);
    } catch (cause) {
        if (asking.signal?.aborted) throw cause;
        throw new ApiFailure(0, "unreachable", null, null, null, null, "the gateway cannot be reached");
    }
    if (response.ok || response.status === 304) return response;
    throw await failureOf(response);
}

async function read(response: Response): Promise<unknown> {
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return isJson ? response.json() : undefined;
}

/** A name for a request; `randomUUID` is not there on a page that came by plain HTTP. */
export function randomName(): string {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

interface ErrorBody {
    error?: { message?: string; code?: string; field?: string | null; context?: { reason?: string } | null };
    request_id?: string;
}

export async function failureOf(response: Response): Promise<ApiFailure> {
    const body = (await read(response).catch(() => undefined)) as ErrorBody | undefined;
    const error = body?.error;
    const wait = Number(response.headers.get("retry-after") ?? Number.NaN);
    return new ApiFailure(
        response.status,
        error?.code ?? "unknown",
        error?.context?.reason ?? null,
        error?.field ?? null,
        body?.request_id ?? response.headers.get("x-request-id"),
        Number.isFinite(wait) ? wait : null,
        error?.message ?? `status ${response.status}`,
    );
}

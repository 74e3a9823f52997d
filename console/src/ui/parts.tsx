// The few parts that every page is made of.

import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";

import { isFailure } from "../api/session";
import { type Say, useSay } from "../i18n";
import { follow } from "../router";

export function Link(props: { to: string; class?: string; current?: "page"; children: ComponentChildren }): JSX.Element {
    return (
        <a href={props.to} class={props.class} aria-current={props.current} onClick={(event) => follow(event, props.to)}>
            {props.children}
        </a>
    );
}

/** The page's own heading; also the name of the browser's tab. */
export function Title({ children, tab }: { children: ComponentChildren; tab: string }): JSX.Element {
    useEffect(() => {
        document.title = `${tab} · Auricle`;
    }, [tab]);
    return <h1>{children}</h1>;
}

export function Notice(props: { kind: "info" | "good" | "warning" | "bad"; urgent?: boolean; children: ComponentChildren }): JSX.Element {
    return (
        <div class={`notice notice-${props.kind}`} role={props.urgent === true ? "alert" : "status"}>
            {props.children}
        </div>
    );
}

interface FieldProps {
    label: string;
    value: string;
    onInput: (value: string) => void;
    hint?: string | undefined;
    error?: string | null;
    type?: "text" | "email" | "password" | "search";
    name?: string;
    autocomplete?: string;
    inputMode?: "numeric" | "tel" | "text" | "search";
    placeholder?: string;
    required?: boolean;
    autofocus?: boolean;
    minLength?: number;
    maxLength?: number;
    wide?: boolean;
}

export function Field(props: FieldProps): JSX.Element {
    const id = useId();
    const input = useRef<HTMLInputElement>(null);
    const { label, hint, error, onInput, autofocus, wide, autocomplete, ...rest } = props;
    useEffect(() => {
        if (autofocus === true) input.current?.focus();
    }, [autofocus]);
    const described = [hint === undefined ? "" : `${id}-hint`, error ? `${id}-error` : ""].filter((part) => part !== "").join(" ");
    return (
        <div class={wide === true ? "field field-wide" : "field"}>
            <label for={id}>{label}</label>
            <input
                id={id}
                ref={input}
                {...({ ...rest, autocomplete } as object)}
                spellcheck={false}
                aria-describedby={described === "" ? undefined : described}
                aria-invalid={error ? true : undefined}
                onInput={(event) => onInput(event.currentTarget.value)}
            />
            {hint !== undefined && (
                <p class="hint" id={`${id}-hint`}>
                    {hint}
                </p>
            )}
            {error && (
                <p class="field-error" id={`${id}-error`} role="alert">
                    {error}
                </p>
            )}
        </div>
    );
}

export function Select<T extends string>(props: {
    label: string;
    value: T;
    options: [T, string][];
    onChange: (value: T) => void;
    visible?: boolean;
}): JSX.Element {
    const id = useId();
    return (
        <div class={props.visible === true ? "field" : "select-only"}>
            <label for={id} class={props.visible === true ? undefined : "heard-only"}>
                {props.label}
            </label>
            <select id={id} value={props.value} onChange={(event) => props.onChange(event.currentTarget.value as T)}>
                {props.options.map(([value, name]) => (
                    <option key={value} value={value} selected={value === props.value}>
                        {name}
                    </option>
                ))}
            </select>
        </div>
    );
}

/** Asks before something is done; Escape takes it back. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }): JSX.Element {
    const id = useId();
    const dialog = useRef<HTMLDialogElement>(null);
    useLayoutEffect(() => {
        const element = dialog.current;
        element?.showModal();
        return () => element?.close();
    }, []);
    return (
        <dialog
            ref={dialog}
            class="dialog"
            aria-labelledby={id}
            onCancel={(event) => {
                event.preventDefault();
                props.onClose();
            }}
        >
            <h2 id={id}>{props.title}</h2>
            {props.children}
        </dialog>
    );
}

/** One of a few views of the same thing. */
export function Tabs<T extends string>(props: { label: string; value: T; tabs: [T, string][]; onChange: (value: T) => void }): JSX.Element {
    const move = (event: KeyboardEvent): void => {
        const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (step === 0) return;
        event.preventDefault();
        const at = props.tabs.findIndex(([name]) => name === props.value);
        const next = props.tabs[(at + step + props.tabs.length) % props.tabs.length];
        if (!next) return;
        props.onChange(next[0]);
        const list = event.currentTarget as HTMLElement;
        requestAnimationFrame(() => list.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
    };
    return (
        <div class="tabs" role="tablist" aria-label={props.label} onKeyDown={move}>
            {props.tabs.map(([name, title]) => (
                <button
                    key={name}
                    type="button"
                    role="tab"
                    aria-selected={name === props.value}
                    tabIndex={name === props.value ? 0 : -1}
                    onClick={() => props.onChange(name)}
                >
                    {title}
                </button>
            ))}
        </div>
    );
}

export function Facts({ children }: { children: ComponentChildren }): JSX.Element {
    return <dl class="facts">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
    return (
        <div>
            <dt>{name}</dt>
            <dd>{children}</dd>
        </div>
    );
}

/** Looks up the next page, where there is one. */
export function More({ more }: { more: (() => void) | null }): JSX.Element | null {
    const say = useSay();
    if (more === null) return null;
    return (
        <p class="more">
            <button type="button" onClick={more}>
                {say("app.more")}
            </button>
        </p>
    );
}

/** What failed, in the reader's words; with the request's id where it is ours to look for. */
export function FailureNotice({ failure }: { failure: unknown }): JSX.Element | null {
    const say = useSay();
    if (failure === null || failure === undefined) return null;
    const id = isFailure(failure) && failure.status >= 500 ? failure.requestId : null;
    return (
        <Notice kind="bad" urgent>
            {explain(say, failure)}
            {id !== null && <small> {say("error.request", { id })}</small>}
        </Notice>
    );
}

export function explain(say: Say, failure: unknown): string {
    if (!isFailure(failure)) return say("error.other", { reason: String(failure) });
    const reason = failure.reason ?? failure.code;
    switch (failure.status) {
        case 0:
            return say("error.unreachable");
        case 403:
            return say("error.forbidden");
        case 404:
            return say("error.not_found");
        case 409:
            return say("error.conflict", { reason });
        case 429:
            return say("error.rate_limited", { seconds: failure.retryAfterS ?? 60 });
        case 503:
            return say("error.busy");
        default:
            if (failure.field !== null) return say("error.invalid", { field: failure.field, message: failure.message });
            return say("error.other", { reason });
    }
}

import { useCallback } from "preact/hooks";

import { createStore, useStore } from "../store";
import { type Key, type Messages, en } from "./en";
import { es } from "./es";

export type { Key };
export type Language = "en" | "es";
export const LANGUAGES: Record<Language, { name: string; messages: Messages }> = {
    en: { name: "English", messages: en },
    es: { name: "Español", messages: es },
};

const KEPT = "auricle.language";
export const language = createStore<Language>(first());

function first(): Language {
    const kept = localStorage.getItem(KEPT);
    if (kept === "en" || kept === "es") return kept;
    return navigator.languages.find((tag) => /^(en|es)\b/.test(tag))?.startsWith("es") === true ? "es" : "en";
}

export function speak(next: Language): void {
    localStorage.setItem(KEPT, next);
    language.set(next);
}

export type Put = Record<string, string | number>;

/** The sentence with what is put in. */
export function say(messages: Messages, key: Key, put: Put = {}): string {
    return messages[key].replace(/\{(\w+)\}/g, (hole, name: string) => String(put[name] ?? hole));
}

export type Say = (key: Key, put?: Put) => string;

export function useSay(): Say {
    const { messages } = LANGUAGES[useStore(language)];
    return useCallback((key, put) => say(messages, key, put), [messages]);
}

/** The key when it is one: for what the gateway names and may name anew. */
export function known(key: string): Key | null {
    return key in en ? (key as Key) : null;
}

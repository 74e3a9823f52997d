// Times and figures as they are read.

import { language } from "./i18n";

/** The reader's own way to write times and figures, in the language that the page speaks. */
function locale(): string {
    return navigator.languages.find((tag) => tag.startsWith(language.get())) ?? language.get();
}

/** `4:07`, `1:02:33`. */
export function clock(ms: number): string {
    const seconds = Math.max(0, Math.floor(ms / 1_000));
    const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
    const two = (n: number): string => String(n).padStart(2, "0");
    return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `4:07.250`: a moment of a call. */
export function moment(ms: number): string {
    return `${clock(ms)}.${String(Math.floor(ms) % 1_000).padStart(3, "0")}`;
}

/** Day and time of day, in the reader's zone. */
export function when(iso: string): string {
    const at = new Date(iso);
    const today = at.toDateString() === new Date().toDateString();
    const day: Intl.DateTimeFormatOptions = today ? {} : { day: "numeric", month: "short" };
    if (at.getFullYear() !== new Date().getFullYear()) day.year = "numeric";
    return new Intl.DateTimeFormat(locale(), { ...day, hour: "2-digit", minute: "2-digit" }).format(at);
}

export function day(date: string): string {
    const at = new Date(`${date}T12:00:00`);
    return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "long", year: "numeric" }).format(at);
}

export function number(value: number, digits = 0): string {
    return new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

export function ms(value: number | null | undefined, digits = 0): string {
    return value === null || value === undefined ? "–" : `${number(value, digits)} ms`;
}

export function percent(part: number | null | undefined): string {
    return part === null || part === undefined ? "–" : `${number(part * 100, part > 0 && part < 0.1 ? 1 : 0)} %`;
}

/** The end of an identifier: enough to tell two calls apart. */
export function tail(id: string): string {
    return id.slice(-6);
}

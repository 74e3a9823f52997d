import { createStore } from "./store";

export type Theme = "system" | "light" | "dark";
const KEPT = "auricle.theme";
const kept = localStorage.getItem(KEPT);
export const theme = createStore<Theme>(kept === "light" || kept === "dark" ? kept : "system");

export function applyTheme(): void {
    const now = theme.get();
    if (now === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = now;
}

export function choose(next: Theme): void {
    localStorage.setItem(KEPT, next);
    theme.set(next);
    applyTheme();
}

// Names of patients by their identifier, looked up once for the whole page: each look is in the audit log.

import { ask } from "./api/client";
import { may, session } from "./api/session";
import type { Patient } from "./api/types";
import { createStore, useStore } from "./store";

const names = createStore<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();

export function usePatientNames(ids: (string | null)[]): ReadonlyMap<string, string> {
    for (const id of ids) if (id !== null) void learn(id);
    return useStore(names);
}

export function note(id: string, name: string): void {
    asked.add(id);
    if (names.get().get(id) !== name) names.set(new Map(names.get()).set(id, name));
}

// Nobody's name stays in the page of somebody who has left.
session.subscribe(() => {
    if (session.get().phase === "signed_in") return;
    asked.clear();
    names.set(new Map());
});

async function learn(id: string): Promise<void> {
    if (asked.has(id) || asked.size >= MOST || !may("patients:read")) return;
    asked.add(id);
    try {
        const { body } = await ask<Patient>("GET", `/v1/patients/${encodeURIComponent(id)}`);
        note(id, body.name);
    } catch {
        // The call shows its identifier instead.
    }
}

const MOST = 500;

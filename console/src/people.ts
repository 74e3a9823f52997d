// Names of patients by their identifier, looked up once for the whole page, and only of those that are in sight: each look is in
// the audit log.

import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";

import { ask } from "./api/client";
import { isFailure, may, session } from "./api/session";
import type { Page, Patient, PatientSummary } from "./api/types";
import { createStore, useStore } from "./store";

const names = createStore<ReadonlyMap<string, string>>(new Map());
const asked = new Set<string>();

export function usePatientNames(ids: (string | null)[]): ReadonlyMap<string, string> {
    for (const id of ids) if (id !== null) void learn(id);
    return useStore(names);
}

/** A patient's name, asked for when what `ref` is put at comes in sight. */
export function usePatientNameInSight(id: string | null): { name: string | undefined; ref: RefObject<HTMLTableCellElement | null> } {
    const ref = useRef<HTMLTableCellElement>(null);
    const [seen, setSeen] = useState(false);
    useEffect(() => {
        const element = ref.current;
        if (seen || element === null) return undefined;
        const observer = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && setSeen(true));
        observer.observe(element);
        return () => observer.disconnect();
    }, [seen]);
    const known = usePatientNames(seen ? [id] : []);
    return { name: id === null ? undefined : known.get(id), ref };
}

/** Learns the names that hold `part`, so that what is out of sight is found by them, too. */
export function usePatientsNamed(part: string): void {
    const wanted = part.trim();
    useEffect(() => {
        if (wanted.length < 2 || !may("patients:read")) return undefined;
        const stopping = new AbortController();
        const timer = setTimeout(() => {
            const query = new URLSearchParams({ limit: "50", search: wanted });
            ask<Page<PatientSummary>>("GET", `/v1/patients?${query.toString()}`, { signal: stopping.signal }).then(
                ({ body }) => body.items.forEach(({ id, name }) => note(id, name)),
                // What is in sight is found without.
                () => {},
            );
        }, 400);
        return () => {
            clearTimeout(timer);
            stopping.abort();
        };
    }, [wanted]);
}

export function note(id: string, name: string): void {
    asked.add(id);
    if (names.get().get(id) === name) return;
    const next = new Map(names.get()).set(id, name);
    // The oldest make room; they are asked for again when they are seen again.
    for (const old of next.keys()) {
        if (next.size <= MOST) break;
        next.delete(old);
        asked.delete(old);
    }
    names.set(next);
}

// Nobody's name stays in the page of somebody who has left.
session.subscribe(() => {
    if (session.get().phase === "signed_in") return;
    asked.clear();
    names.set(new Map());
});

export async function learn(id: string): Promise<void> {
    if (asked.has(id) || !may("patients:read")) return;
    asked.add(id);
    try {
        const { body } = await ask<Patient>("GET", `/v1/patients/${encodeURIComponent(id)}`);
        if (asked.has(id)) note(id, body.name);
    } catch (failure) {
        // The call shows its identifier instead; what was only out of reach is asked for again later.
        const never = isFailure(failure) && (failure.status === 403 || failure.status === 404);
        if (!never) setTimeout(() => asked.delete(id), LATER_MS);
    }
}

const MOST = 500;
const LATER_MS = 20_000;

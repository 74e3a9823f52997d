import { useEffect, useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask } from "../api/client";
import type { Page, PatientSummary } from "../api/types";
import { when } from "../format";
import { useSay } from "../i18n";
import { followRow } from "../router";
import { usePages } from "../ui/hooks";
import { FailureNotice, Field, Link, More, Title } from "../ui/parts";

export function PatientsPage(): JSX.Element {
    const say = useSay();
    const [search, setSearch] = useState("");
    const [asked, setAsked] = useState("");
    useEffect(() => {
        const timer = setTimeout(() => setAsked(search.trim()), 300);
        return () => clearTimeout(timer);
    }, [search]);
    const { items, failure, more } = usePages((cursor, signal) => found(asked, cursor, signal), asked);
    return (
        <>
            <div class="page-head">
                <Title tab={say("patients.title")}>{say("patients.title")}</Title>
                <Field
                    label={say("patients.search")}
                    type="search"
                    inputMode="search"
                    placeholder={say("patients.search_hint")}
                    maxLength={100}
                    value={search}
                    onInput={setSearch}
                />
            </div>
            <FailureNotice failure={failure} />
            {items === null && failure === null && <p class="quiet">{say("app.loading")}</p>}
            {items !== null && (
                <p class="count" role="status">
                    {say("patients.found", { count: items.length })}
                </p>
            )}
            {items?.length === 0 && <p class="empty">{say(asked === "" ? "patients.none" : "patients.none_match")}</p>}
            {items !== null && items.length > 0 && (
                <table class="table table-rows">
                    <thead>
                        <tr>
                            <th scope="col">{say("patients.name")}</th>
                            <th scope="col">{say("patients.status")}</th>
                            <th scope="col">{say("patients.updated")}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {items.map((patient) => (
                            <tr key={patient.id} onClick={(event) => followRow(event, `/patients/${patient.id}`)}>
                                <th scope="row">
                                    <Link to={`/patients/${patient.id}`}>{patient.name}</Link>
                                </th>
                                <td>
                                    <span class={`state state-${patient.call_status}`}>{say(`callstatus.${patient.call_status}`)}</span>
                                </td>
                                <td class="figures">{when(patient.updated_at)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
            <More more={more} />
        </>
    );
}

async function found(search: string, cursor: string | null, signal: AbortSignal): Promise<Page<PatientSummary>> {
    const query = new URLSearchParams({ limit: "50" });
    if (search !== "") query.set("search", search);
    if (cursor !== null) query.set("cursor", cursor);
    return (await ask<Page<PatientSummary>>("GET", `/v1/patients?${query.toString()}`, { signal })).body;
}

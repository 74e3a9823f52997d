import { useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask, randomName } from "../api/client";
import { may } from "../api/session";
import type { CallSummary, Page, Patient } from "../api/types";
import { day, when } from "../format";
import { useSay } from "../i18n";
import { note } from "../people";
import { AgentField } from "../ui/agent";
import { useEvents, useLoaded } from "../ui/hooks";
import { Fact, Facts, FailureNotice, Link, Notice, Title } from "../ui/parts";
import { talked } from "./calls";

export function PatientPage({ id }: { id: string }): JSX.Element {
    const say = useSay();
    const { value, failure, again } = useLoaded(
        async (signal) => {
            const [patient, calls] = await Promise.all([
                ask<Patient>("GET", `/v1/patients/${encodeURIComponent(id)}`, { signal }),
                may("calls:read") ? ask<Page<CallSummary>>("GET", `/v1/calls?limit=20&patient_id=${encodeURIComponent(id)}`, { signal }) : null,
            ]);
            note(patient.body.id, patient.body.name);
            return { patient: patient.body, calls: calls?.body.items ?? [] };
        },
        null,
        [id],
    );
    useEvents((event) => {
        if (event.patient_id === id || event.type === "resync") again();
    });
    return (
        <>
            <p class="crumb">
                <Link to="/patients">{say("patient.back")}</Link>
            </p>
            <FailureNotice failure={failure} />
            {value === null ? failure === null && <p class="quiet">{say("app.loading")}</p> : <Shown patient={value.patient} calls={value.calls} />}
        </>
    );
}

function Shown({ patient, calls }: { patient: Patient; calls: CallSummary[] }): JSX.Element {
    const say = useSay();
    return (
        <>
            <div class="page-head">
                <Title tab={patient.name}>{patient.name}</Title>
                <span class={`state state-${patient.call_status}`}>{say(`callstatus.${patient.call_status}`)}</span>
            </div>
            {may("calls:start") && <CallNow patient={patient} />}
            <div class="columns">
                <section aria-labelledby="details">
                    <h2 id="details">{say("patient.details")}</h2>
                    <Facts>
                        <Fact name={say("patient.phone")}>
                            {patient.phone ?? say("app.none")}
                            {patient.phone_e164 !== null && patient.phone_e164 !== patient.phone && <span class="quiet"> {patient.phone_e164}</span>}
                        </Fact>
                        <Fact name={say("patient.email")}>{patient.email ?? say("app.none")}</Fact>
                        {patient.date_of_birth !== undefined && (
                            <Fact name={say("patient.born")}>{patient.date_of_birth === null ? say("app.none") : day(patient.date_of_birth)}</Fact>
                        )}
                        <Fact name={say("patient.language")}>{patient.language ?? say("app.none")}</Fact>
                        <Fact name={say("patient.time_zone")}>{patient.time_zone ?? say("app.none")}</Fact>
                        {patient.notes !== undefined && (
                            <Fact name={say("patient.notes")}>
                                <span class="notes">{patient.notes ?? say("app.none")}</span>
                            </Fact>
                        )}
                    </Facts>
                    <h2>{say("patient.caregivers")}</h2>
                    {patient.caregivers.length === 0 && <p class="quiet">{say("patient.no_caregivers")}</p>}
                    <ul class="people">
                        {patient.caregivers.map((caregiver) => (
                            <li key={caregiver.id}>
                                {caregiver.name} <span class="quiet">{[caregiver.relationship, caregiver.phone, caregiver.email].filter(Boolean).join(" · ")}</span>
                            </li>
                        ))}
                    </ul>
                </section>
                <section aria-labelledby="calls">
                    <h2 id="calls">{say("patient.calls")}</h2>
                    {calls.length === 0 && <p class="quiet">{say("patient.no_calls")}</p>}
                    <ul class="call-list">
                        {calls.map((call) => (
                            <li key={call.id}>
                                <Link to={`/calls/${call.id}`}>{when(call.started_at)}</Link>
                                <span class="quiet">{say(`direction.${call.direction}_long`)}</span>
                                <span class={`state state-${call.session_status}`}>{say(`status.${call.session_status}`)}</span>
                                <span class="figure">{talked(call)}</span>
                            </li>
                        ))}
                    </ul>
                </section>
            </div>
        </>
    );
}

function CallNow({ patient }: { patient: Patient }): JSX.Element {
    const say = useSay();
    const [agent, setAgent] = useState("");
    const [busy, setBusy] = useState(false);
    const [failure, setFailure] = useState<unknown>(null);
    const [started, setStarted] = useState<string | null>(null);
    if (patient.phone_e164 === null) return <p class="quiet">{say("patient.no_number")}</p>;
    const call = async (event: Event): Promise<void> => {
        event.preventDefault();
        if (busy) return;
        setBusy(true);
        setFailure(null);
        try {
            // Named, so that a lost answer and a second click are not a second call.
            const headers = { "idempotency-key": randomName() };
            const body = { patient_id: patient.id, ...(agent.trim() === "" ? {} : { agent: agent.trim() }) };
            setStarted((await ask<{ id: string }>("POST", "/v1/calls", { body, headers })).body.id);
        } catch (error) {
            setFailure(error);
        } finally {
            setBusy(false);
        }
    };
    return (
        <form class="call-now" onSubmit={(event) => void call(event)}>
            <AgentField whenEmpty={say("patient.call_agent_hint")} value={agent} onInput={setAgent} />
            <button type="submit" class="primary" aria-disabled={busy}>
                {say("patient.call")}
            </button>
            {started !== null && (
                <Notice kind="good">
                    {say("patient.calling")} <Link to={`/calls/${started}`}>{say("patient.show_call")}</Link>
                </Notice>
            )}
            <FailureNotice failure={failure} />
        </form>
    );
}

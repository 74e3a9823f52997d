// Calls that run, as they run, and those that are over.

import { useMemo, useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask } from "../api/client";
import type { CallSummary, Page, SessionStatus } from "../api/types";
import { clock, tail, when } from "../format";
import { useSay } from "../i18n";
import { usePatientNames } from "../people";
import { followRow } from "../router";
import { Field, FailureNotice, Link, Tabs, Title } from "../ui/parts";
import { useEvents, useLoaded, useNow } from "../ui/hooks";
import { QualityMark } from "../ui/quality";
import { endOf } from "./ends";

type Which = "live" | "ended";

export function CallsPage(): JSX.Element {
    const say = useSay();
    const [which, setWhich] = useState<Which>("live");
    const [filter, setFilter] = useState("");
    return (
        <>
            <div class="page-head">
                <Title tab={say("calls.title")}>{say("calls.title")}</Title>
                <Tabs
                    label={say("calls.which")}
                    value={which}
                    tabs={[
                        ["live", say("calls.live")],
                        ["ended", say("calls.ended")],
                    ]}
                    onChange={setWhich}
                />
                <Field label={say("calls.filter")} type="search" inputMode="search" placeholder={say("calls.filter_hint")} value={filter} onInput={setFilter} />
            </div>
            <div role="tabpanel">{which === "live" ? <Live filter={filter} /> : <Ended filter={filter} />}</div>
        </>
    );
}

async function listed(status: SessionStatus | null, signal: AbortSignal, cursor?: string): Promise<Page<CallSummary>> {
    const query = new URLSearchParams({ limit: status === null ? "100" : "200" });
    if (status !== null) query.set("session_status", status);
    if (cursor !== undefined) query.set("cursor", cursor);
    return (await ask<Page<CallSummary>>("GET", `/v1/calls?${query.toString()}`, { signal })).body;
}

function Live({ filter }: { filter: string }): JSX.Element {
    const say = useSay();
    const { value, failure, again } = useLoaded(
        async (signal) => {
            const [starting, running] = await Promise.all([listed("starting", signal), listed("running", signal)]);
            return [...starting.items, ...running.items];
        },
        10_000,
        [],
    );
    useEvents((event) => {
        if (REDRAWN_FOR.has(event.type)) again();
    });
    const now = useNow(1_000, value !== null && value.length > 0);
    const shown = useFiltered(value ?? [], filter);
    const names = usePatientNames(shown.map((call) => call.patient_id));
    if (value === null) return failure === null ? <p class="quiet">{say("app.loading")}</p> : <FailureNotice failure={failure} />;
    return (
        <>
            <FailureNotice failure={failure} />
            <p class="count" role="status">
                {say("calls.count", { count: value.length })}
            </p>
            {shown.length === 0 ? (
                <div class="empty">
                    <p>{say(value.length > 0 ? "calls.none_match" : "calls.none_live")}</p>
                    {value.length === 0 && <p class="quiet">{say("calls.none_live_hint")}</p>}
                </div>
            ) : (
                <table class="table table-rows">
                    <thead>
                        <tr>
                            <th scope="col">{say("calls.who")}</th>
                            <th scope="col">{say("calls.agent")}</th>
                            <th scope="col">{say("calls.state")}</th>
                            <th scope="col" class="figure">
                                {say("calls.time")}
                            </th>
                            <th scope="col">{say("calls.quality")}</th>
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map((call) => (
                            <tr key={call.id} onClick={(event) => followRow(event, `/calls/${call.id}`)}>
                                <Who call={call} names={names} />
                                <td>{call.agent}</td>
                                <td>
                                    <span class={`state state-${call.session_status}`}>{say(`status.${call.session_status}`)}</span>
                                </td>
                                <td class="figure">{call.answered_at === null ? say("app.none") : clock(now - Date.parse(call.answered_at))}</td>
                                <td>
                                    <QualityMark mos={call.quality} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
        </>
    );
}

function Ended({ filter }: { filter: string }): JSX.Element {
    const say = useSay();
    const [more, setMore] = useState<Page<CallSummary>>({ items: [], next_cursor: null });
    const { value, failure, again } = useLoaded((signal) => listed(null, signal), null, []);
    useEvents((event) => {
        if (event.type === "call_ended" || event.type === "resync") again();
    });
    const seen = new Set(value?.items.map((call) => call.id));
    const all = [...(value?.items ?? []), ...more.items.filter((call) => !seen.has(call.id))];
    const shown = useFiltered(all, filter).filter((call) => call.ended_at !== null);
    const names = usePatientNames(shown.slice(0, 30).map((call) => call.patient_id));
    const cursor = more.next_cursor ?? value?.next_cursor ?? null;
    const load = async (): Promise<void> => {
        if (cursor === null) return;
        const page = await listed(null, new AbortController().signal, cursor);
        setMore({ items: [...more.items, ...page.items], next_cursor: page.next_cursor });
    };
    if (value === null) return failure === null ? <p class="quiet">{say("app.loading")}</p> : <FailureNotice failure={failure} />;
    if (shown.length === 0) return <p class="empty">{say(filter === "" ? "calls.none_ended" : "calls.none_match")}</p>;
    return (
        <>
            <FailureNotice failure={failure} />
            <table class="table table-rows">
                <thead>
                    <tr>
                        <th scope="col">{say("calls.who")}</th>
                        <th scope="col">{say("calls.agent")}</th>
                        <th scope="col">{say("calls.began")}</th>
                        <th scope="col" class="figure">
                            {say("calls.time")}
                        </th>
                        <th scope="col">{say("calls.end_reason")}</th>
                    </tr>
                </thead>
                <tbody>
                    {shown.map((call) => (
                        <tr key={call.id} onClick={(event) => followRow(event, `/calls/${call.id}`)}>
                            <Who call={call} names={names} />
                            <td>{call.agent}</td>
                            <td class="figures">{when(call.started_at)}</td>
                            <td class="figure">{talked(call)}</td>
                            <td>
                                <span class={`state state-${call.session_status}`}>{say(`status.${call.session_status}`)}</span>{" "}
                                <span class="quiet">{endOf(call.termination)}</span>
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
            {cursor !== null && (
                <p class="more">
                    <button type="button" onClick={() => void load()}>
                        {say("app.more")}
                    </button>
                </p>
            )}
        </>
    );
}

function Who({ call, names }: { call: CallSummary; names: ReadonlyMap<string, string> }): JSX.Element {
    const say = useSay();
    const name = call.patient_id === null ? undefined : names.get(call.patient_id);
    return (
        <th scope="row">
            <span class={`way way-${call.direction}`} title={say(`direction.${call.direction}_long`)}>
                {say(`direction.${call.direction}`)}
            </span>
            <Link to={`/calls/${call.id}`}>
                {name ?? <span class="unnamed">{say("calls.unknown")}</span>} <span class="tail">{tail(call.id)}</span>
            </Link>
        </th>
    );
}

function useFiltered(calls: CallSummary[], filter: string): CallSummary[] {
    const names = usePatientNames([]);
    const wanted = filter.trim().toLocaleLowerCase();
    return useMemo(() => {
        if (wanted === "") return calls;
        const has = (text: string | undefined): boolean => text?.toLocaleLowerCase().includes(wanted) === true;
        return calls.filter((call) => has(call.agent) || has(call.id) || has(names.get(call.patient_id ?? "")));
    }, [calls, wanted, names]);
}

export function talked(call: CallSummary): string {
    if (call.answered_at === null) return "–";
    return clock((call.ended_at === null ? Date.now() : Date.parse(call.ended_at)) - Date.parse(call.answered_at));
}

const REDRAWN_FOR = new Set(["call_started", "call_answered", "call_ended", "patient_recognised", "resync"]);

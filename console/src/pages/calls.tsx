// Calls that run, as they run, and those that are over.

import { useMemo, useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask } from "../api/client";
import type { CallSummary, Page, SessionStatus } from "../api/types";
import { clock, tail, when } from "../format";
import { useSay } from "../i18n";
import { usePatientNameInSight, usePatientNames, usePatientsNamed } from "../people";
import { followRow } from "../router";
import { useEvents, useLoaded, useNow, usePages } from "../ui/hooks";
import { Field, FailureNotice, Link, More, Tabs, Title } from "../ui/parts";
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

const LIVE_LIMIT = 200;
const ENDED_LIMIT = 100;

async function listed(status: SessionStatus | null, signal: AbortSignal, cursor: string | null = null): Promise<Page<CallSummary>> {
    const query = new URLSearchParams({ limit: String(status === null ? ENDED_LIMIT : LIVE_LIMIT) });
    if (status !== null) query.set("session_status", status);
    if (cursor !== null) query.set("cursor", cursor);
    return (await ask<Page<CallSummary>>("GET", `/v1/calls?${query.toString()}`, { signal })).body;
}

function Live({ filter }: { filter: string }): JSX.Element {
    const say = useSay();
    const { value, failure, again } = useLoaded(
        async (signal) => {
            const pages = await Promise.all([listed("starting", signal), listed("running", signal)]);
            return { calls: pages.flatMap(({ items }) => items), more: pages.some(({ next_cursor }) => next_cursor !== null) };
        },
        10_000,
        [],
    );
    useEvents((event) => {
        if (REDRAWN_FOR.has(event.type)) again();
    });
    const count = value?.calls.length ?? 0;
    const now = useNow(1_000, count > 0);
    const shown = useFiltered(value?.calls ?? NONE, filter);
    if (value === null) return failure === null ? <p class="quiet">{say("app.loading")}</p> : <FailureNotice failure={failure} />;
    return (
        <>
            <FailureNotice failure={failure} />
            <p class="count" role="status">
                {say(value.more ? "calls.count_more" : "calls.count", { count })}
            </p>
            {shown.length === 0 ? (
                <div class="empty">
                    <p>{say(count > 0 ? "calls.none_match" : "calls.none_live")}</p>
                    {count === 0 && <p class="quiet">{say("calls.none_live_hint")}</p>}
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
                                <Who call={call} />
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
    const { items, failure, again, more } = usePages(ended, "ended");
    useEvents((event) => {
        if (event.type === "call_ended" || event.type === "resync") again();
    });
    const shown = useFiltered(items ?? NONE, filter);
    if (items === null) return failure === null ? <p class="quiet">{say("app.loading")}</p> : <FailureNotice failure={failure} />;
    const none = filter !== "" && items.length > 0 ? "calls.none_match" : more === null ? "calls.none_ended" : "calls.none_ended_here";
    return (
        <>
            <FailureNotice failure={failure} />
            {shown.length === 0 && <p class="empty">{say(none)}</p>}
            {shown.length > 0 && <EndedTable calls={shown} />}
            <More more={more} />
        </>
    );
}

function EndedTable({ calls }: { calls: CallSummary[] }): JSX.Element {
    const say = useSay();
    return (
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
                {calls.map((call) => (
                    <tr key={call.id} onClick={(event) => followRow(event, `/calls/${call.id}`)}>
                        <Who call={call} />
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
    );
}

/** Of a page of all calls those that are over; where nearly all of it are up, the pages behind it, too. */
async function ended(cursor: string | null, signal: AbortSignal): Promise<Page<CallSummary>> {
    const items: CallSummary[] = [];
    let next = cursor;
    for (let page = 0; page < 3; page += 1) {
        const found = await listed(null, signal, next);
        items.push(...found.items.filter((call) => call.ended_at !== null));
        next = found.next_cursor;
        if (next === null || items.length >= ENOUGH) break;
    }
    return { items, next_cursor: next };
}

const ENOUGH = 20;
const NONE: CallSummary[] = [];

function Who({ call }: { call: CallSummary }): JSX.Element {
    const say = useSay();
    const { name, ref } = usePatientNameInSight(call.patient_id);
    return (
        <th scope="row" ref={ref}>
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
    usePatientsNamed(filter);
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

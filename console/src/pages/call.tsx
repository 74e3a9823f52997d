// One call, while it runs and afterwards.

import { useMemo, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask } from "../api/client";
import { isFailure } from "../api/session";
import type { CallRecord } from "../api/types";
import { LadderView } from "../call/ladder";
import { LineFigures } from "../call/line";
import { Score } from "../call/score";
import { bargeInsOf, lengthMs, spansOf, turnsOf } from "../call/spans";
import { Timeline } from "../call/timeline";
import { Transcript } from "../call/transcript";
import { Waterfall } from "../call/waterfall";
import { tail, when } from "../format";
import { useSay } from "../i18n";
import { usePatientNames } from "../people";
import { useEvents, useLoaded, useNow } from "../ui/hooks";
import { Fact, Facts, FailureNotice, Link, Notice, Title } from "../ui/parts";
import { QualityMark } from "../ui/quality";
import { CallActions } from "../call/actions";
import { talked } from "./calls";
import { endOf } from "./ends";

export function CallPage({ id }: { id: string }): JSX.Element {
    const say = useSay();
    const latest = useRef<{ etag: string; call: CallRecord } | null>(null);
    const [over, setOver] = useState(false);
    const { value, failure, again } = useLoaded(
        async (signal) => {
            const headers: Record<string, string> = latest.current === null ? {} : { "if-none-match": latest.current.etag };
            const answer = await ask<CallRecord>("GET", `/v1/calls/${encodeURIComponent(id)}`, { signal, headers });
            if (answer.status === 304 && latest.current !== null) return latest.current.call;
            if (answer.etag !== null) latest.current = { etag: answer.etag, call: answer.body };
            setOver(answer.body.ended_at !== null);
            return answer.body;
        },
        over ? null : 5_000,
        [id],
    );
    useEvents((event) => {
        if (event.call_id === id || event.type === "resync") again();
    });
    // A call that was just asked for has no record for a moment.
    const missing = isFailure(failure) && failure.status === 404;
    return (
        <>
            <p class="crumb">
                <Link to="/calls">{say("call.back")}</Link>
            </p>
            <FailureNotice failure={failure} />
            {value === null && failure === null && <p class="quiet">{say("app.loading")}</p>}
            {value !== null && !missing && <Shown call={value} again={again} />}
        </>
    );
}

function Shown({ call, again }: { call: CallRecord; again: () => void }): JSX.Element {
    const say = useSay();
    const running = call.ended_at === null;
    const names = usePatientNames([call.patient_id]);
    const name = call.patient_id === null ? undefined : names.get(call.patient_id);
    useNow(1_000, running);
    return (
        <>
            <div class="page-head call-head">
                <Title tab={name ?? `${say("call.title")} ${tail(call.id)}`}>
                    {name ?? say(`direction.${call.direction}_long`)} <span class="tail">{tail(call.id)}</span>
                </Title>
                <span class={`state state-${call.session_status}`}>{say(`status.${call.session_status}`)}</span>
                {running && <CallActions call={call} again={again} />}
            </div>
            <Facts>
                {call.patient_id !== null && (
                    <Fact name={say("call.patient")}>
                        <Link to={`/patients/${call.patient_id}`}>{name ?? tail(call.patient_id)}</Link>
                    </Fact>
                )}
                <Fact name={say("call.from")}>{call.from}</Fact>
                <Fact name={say("call.to")}>{call.to}</Fact>
                <Fact name={say("call.agent")}>{call.agent}</Fact>
                <Fact name={say("call.began")}>{when(call.started_at)}</Fact>
                <Fact name={say("call.talk")}>
                    <span class="figures">{talked(call)}</span>
                </Fact>
                <Fact name={say("calls.quality")}>
                    <QualityMark mos={call.media.quality?.mos_listening} />
                </Fact>
                {!running && <Fact name={say("call.ended_by")}>{endOf(call.termination)}</Fact>}
            </Facts>
            <Conversation call={call} />
            <section aria-labelledby="line">
                <h2 id="line">{say("call.line")}</h2>
                <LineFigures media={call.media} />
            </section>
            <section aria-labelledby="ladder">
                <h2 id="ladder">{say("call.ladder")}</h2>
                <LadderView key={String(running)} id={call.id} />
            </section>
            <section aria-labelledby="timeline">
                <h2 id="timeline">{say("call.timeline")}</h2>
                <Timeline timeline={call.timeline} />
            </section>
        </>
    );
}

function Conversation({ call }: { call: CallRecord }): JSX.Element {
    const say = useSay();
    const [selected, setSelected] = useState<number | null>(null);
    const [follow, setFollow] = useState(true);
    const running = call.ended_at === null;
    const length = lengthMs(call, Date.now());
    const nowMs = running ? length : Number.MAX_SAFE_INTEGER;
    const spans = useMemo(() => spansOf(call.transcript ?? [], nowMs), [call, running]);
    const bargeIns = useMemo(() => bargeInsOf(call.timeline), [call]);
    const turns = useMemo(() => turnsOf(call.timeline), [call]);
    const pick = (atMs: number): void => {
        const nearest = spans.filter((span) => span.speaker === "agent").reduce<(typeof spans)[number] | null>(
            (best, span) => (best === null || Math.abs(span.fromMs - atMs) < Math.abs(best.fromMs - atMs) ? span : best),
            null,
        );
        if (nearest) setSelected(nearest.index);
    };
    return (
        <>
            <section aria-labelledby="conversation">
                <div class="section-head">
                    <h2 id="conversation">{say("call.conversation")}</h2>
                    {running && (
                        <label class="check">
                            <input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
                            {say("transcript.follow")}
                        </label>
                    )}
                </div>
                {call.transcript === undefined && <Notice kind="info">{say("lanes.no_words")}</Notice>}
                {call.transcript !== undefined && spans.length === 0 && <p class="empty">{say("lanes.nothing")}</p>}
                {spans.length > 0 && (
                    <>
                        <Score spans={spans} bargeIns={bargeIns} lengthMs={length} selected={selected} onSelect={setSelected} follow={running && follow} />
                        {spans.some((span) => span.estimated) && <p class="hint">{say("lanes.estimated")}</p>}
                        <Transcript spans={spans} selected={selected} onSelect={setSelected} live={running} follow={running && follow} />
                    </>
                )}
            </section>
            <section aria-labelledby="turns">
                <h2 id="turns">{say("call.turns")}</h2>
                <Waterfall turns={turns} onPick={pick} />
            </section>
        </>
    );
}

// The signalling of a call: every message between the far end and the gateway.

import { useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask } from "../api/client";
import { isFailure, may } from "../api/session";
import type { Ladder, LadderMessage } from "../api/types";
import { moment } from "../format";
import { useSay } from "../i18n";
import { useEvents, useLoaded } from "../ui/hooks";
import { FailureNotice, Notice } from "../ui/parts";

export function LadderView({ id }: { id: string }): JSX.Element {
    const say = useSay();
    if (!may("ladders:read")) return <p class="quiet">{say("ladder.forbidden")}</p>;
    return <Shown id={id} />;
}

function Shown({ id }: { id: string }): JSX.Element {
    const say = useSay();
    const [running, setRunning] = useState(true);
    const { value, failure, again } = useLoaded(
        async (signal) => {
            const { body } = await ask<Ladder>("GET", `/v1/calls/${encodeURIComponent(id)}/ladder?format=json`, { signal });
            setRunning(body.running);
            return body;
        },
        running ? 10_000 : null,
        [id],
    );
    useEvents((event) => {
        if (event.call_id === id || event.type === "resync") again();
    });
    if (isFailure(failure) && failure.status === 404) return <p class="quiet">{say("ladder.none")}</p>;
    if (value === null) return failure === null ? <p class="quiet">{say("app.loading")}</p> : <FailureNotice failure={failure} />;
    if (value.messages.length === 0) return <p class="quiet">{say("ladder.none")}</p>;
    return (
        <>
            {value.left_out > 0 && <Notice kind="warning">{say("ladder.left_out", { count: value.left_out })}</Notice>}
            <div class="ladder">
                <div class="ladder-heads" aria-hidden="true">
                    <span />
                    <span>{say("ladder.far")}</span>
                    <span>{say("ladder.gateway")}</span>
                </div>
                <ol>
                    {value.messages.map((message) => (
                        <Step key={message.number} message={message} />
                    ))}
                </ol>
            </div>
        </>
    );
}

function Step({ message }: { message: LadderMessage }): JSX.Element {
    const say = useSay();
    const name = message.method ?? (message.status === null ? say("ladder.unreadable") : `${message.status} ${message.reason ?? ""}`);
    const far = message.direction === "received" ? message.from : message.to;
    const kind = message.status === null ? "request" : message.status < 200 ? "provisional" : message.status < 300 ? "success" : "refusal";
    return (
        <li>
            <details>
                <summary>
                    <span class="ladder-time">{moment(message.at_ms)}</span>
                    <span class={`arrow arrow-${message.direction} arrow-${kind}`}>
                        <span class="arrow-name">
                            {name}
                            {message.repeated && <small> ({say("ladder.repeated")})</small>}
                        </span>
                        <span class="heard-only">{say(`ladder.${message.direction}`)}</span>
                    </span>
                    <span class="ladder-far">
                        {message.transport} {far}
                    </span>
                </summary>
                <pre>{message.text}</pre>
            </details>
        </li>
    );
}

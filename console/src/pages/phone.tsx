// A telephone on the page: it calls an agent through the gateway's browser leg. The call is not the page's: it goes on
// while one looks at something else.

import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";

import { type Call, type Devices, type End, type GatewayMessage, HttpError, call as place, devices, onDevices } from "../../sdk/src/index";
import { ask } from "../api/client";
import { isFailure, session } from "../api/session";
import type { Speaker } from "../api/types";
import { clock } from "../format";
import { type Say, useSay } from "../i18n";
import type { Route } from "../router";
import { createStore, useStore } from "../store";
import { AgentField } from "../ui/agent";
import { useNow } from "../ui/hooks";
import { Link, Notice, Select, Title, explain } from "../ui/parts";

interface Line {
    speaker: Speaker;
    text: string;
    final: boolean;
}

interface Phone {
    agent: string;
    call: Call | null;
    state: "idle" | "connecting" | "connected" | "reconnecting" | "ended";
    connectedAt: number | null;
    muted: boolean;
    lines: Line[];
    /** Whose turn it is, as the gateway last told. */
    turn: Turn | null;
    end: End | null;
}

type Turn = (typeof TURNS)[number];
const TURNS = ["caller_speaks", "caller_done", "agent_speaks", "agent_done", "agent_interrupted"] as const;

/** The agent that was called last from this browser. */
const LAST = "auricle.agent";
const IDLE: Phone = { agent: localStorage.getItem(LAST) ?? "", call: null, state: "idle", connectedAt: null, muted: false, lines: [], turn: null, end: null };
const phone = createStore<Phone>(IDLE);

function change(part: Partial<Phone>): void {
    phone.set({ ...phone.get(), ...part });
}

function dial(agent: string, microphone: string, speaker: string): void {
    // A token for this one call, under the operator's own name; asked for once, whatever the call needs it for.
    let token: Promise<string> | null = null;
    const placed = place({
        endpoint: `/v1/whip/${encodeURIComponent(agent)}`,
        token: () => (token ??= tokenFor(agent)),
        ...(microphone === "" ? {} : { audio: { deviceId: { exact: microphone } } }),
        ...(speaker === "" ? {} : { speaker }),
    });
    localStorage.setItem(LAST, agent);
    phone.set({ ...IDLE, agent, call: placed, state: "connecting" });
    placed.on("state", (state) => change({ state, connectedAt: phone.get().connectedAt ?? (state === "connected" ? Date.now() : null) }));
    placed.on("message", heard);
    placed.on("ended", (end) => change({ end, call: null }));
}

async function tokenFor(agent: string): Promise<string> {
    const now = session.get();
    const caller = now.phase === "signed_in" ? (now.me.user?.name ?? now.me.user?.email)?.slice(0, 64) : undefined;
    const body = { agent, ...(caller === undefined ? {} : { caller }) };
    return (await ask<{ token: string }>("POST", "/v1/whip_tokens", { body })).body.token;
}

/** What the gateway tells while the call runs; what this page does not know is passed over. */
function heard(message: GatewayMessage): void {
    const { type, speaker, text, state } = message;
    if (type === "turn") return change({ turn: TURNS.find((turn) => turn === state) ?? null });
    if (type !== "transcript" || (speaker !== "caller" && speaker !== "agent") || typeof text !== "string") return;
    const lines = [...phone.get().lines];
    const last = lines.findLastIndex((line) => line.speaker === speaker && !line.final);
    const line: Line = { speaker, text, final: message["final"] !== false };
    if (last >= 0) lines[last] = line;
    else lines.push(line);
    change({ lines: lines.slice(-500) });
}

export function PhonePage(): JSX.Element {
    const say = useSay();
    const now = useStore(phone);
    const [found, setFound] = useState<Devices>({ microphones: [], speakers: [] });
    const [microphone, setMicrophone] = useState("");
    const [speaker, setSpeaker] = useState("");
    const [agent, setAgent] = useState(now.agent);
    useEffect(() => {
        const look = (): void => void devices().then(setFound).catch(() => {});
        look();
        return onDevices(look);
    }, [now.state]);
    const up = now.call !== null;
    const submit = (event: Event): void => {
        event.preventDefault();
        if (!up) dial(agent.trim(), microphone, speaker);
    };
    return (
        <>
            <div class="page-head">
                <Title tab={say("phone.title")}>{say("phone.title")}</Title>
            </div>
            <div class="phone">
                <form class="phone-set" onSubmit={submit}>
                    <p class="phone-state" role="status">
                        <span class={`state state-phone-${now.state}`}>{say(`phone.state.${now.state}`)}</span>
                        {up && now.connectedAt !== null && <TalkTime since={now.connectedAt} />}
                    </p>
                    {up && now.turn !== null && (
                        <p class="quiet" role="status">
                            {say(`phone.turn.${now.turn}`)}
                        </p>
                    )}
                    {now.end !== null && <Notice kind={now.end.reason === "hung_up" || now.end.reason === "remote" ? "info" : "bad"}>{why(say, now.end)}</Notice>}
                    {!up && <AgentField hint={say("phone.hint")} value={agent} onInput={setAgent} />}
                    <Device
                        label={say("phone.microphone")}
                        found={found.microphones}
                        value={microphone}
                        onChange={(id) => {
                            setMicrophone(id);
                            if (id !== "") void now.call?.setMicrophone(id).catch(() => {});
                        }}
                    />
                    <Device
                        label={say("phone.speaker")}
                        found={found.speakers}
                        value={speaker}
                        onChange={(id) => {
                            setSpeaker(id);
                            void now.call?.setSpeaker(id).catch(() => {});
                        }}
                    />
                    {up && now.call !== null && <Meters call={now.call} muted={now.muted} />}
                    <div class="form-foot">
                        {up ? (
                            <>
                                <button type="button" class="danger" onClick={() => now.call?.hangUp()}>
                                    {say("phone.hang_up")}
                                </button>
                                <MuteButton now={now} />
                            </>
                        ) : (
                            <button type="submit" class="primary">
                                {say("phone.call")}
                            </button>
                        )}
                    </div>
                    {up && now.state !== "connecting" && <Keys call={now.call} />}
                </form>
                <section class="phone-words" aria-labelledby="phone-words">
                    <h2 id="phone-words">{say("phone.transcript")}</h2>
                    <Words lines={now.lines} />
                </section>
            </div>
        </>
    );
}

/** A call that goes on while another page is looked at. */
export function PhoneBar({ route }: { route: Route }): JSX.Element | null {
    const say = useSay();
    const now = useStore(phone);
    if (now.call === null || route.page === "phone") return null;
    return (
        <aside class="phone-bar" aria-label={say("phone.title")}>
            <span class={`state state-phone-${now.state}`}>{say(`phone.state.${now.state}`)}</span>
            <span>{say("phone.up", { agent: now.agent })}</span>
            {now.connectedAt !== null && <TalkTime since={now.connectedAt} />}
            <Link to="/phone">{say("phone.show")}</Link>
            <MuteButton now={now} />
            <button type="button" class="danger" onClick={() => now.call?.hangUp()}>
                {say("phone.hang_up")}
            </button>
        </aside>
    );
}

function TalkTime({ since }: { since: number }): JSX.Element {
    return <span class="figures">{clock(useNow(1_000) - since)}</span>;
}

function MuteButton({ now }: { now: Phone }): JSX.Element {
    const say = useSay();
    const toggle = (): void => {
        now.call?.mute(!now.muted);
        change({ muted: !now.muted });
    };
    return (
        <button type="button" aria-pressed={now.muted} onClick={toggle}>
            {say(now.muted ? "phone.unmute" : "phone.mute")}
        </button>
    );
}

function Device(props: { label: string; found: MediaDeviceInfo[]; value: string; onChange: (id: string) => void }): JSX.Element {
    const say = useSay();
    const options: [string, string][] = props.found.filter((device) => device.label !== "").map((device) => [device.deviceId, device.label]);
    return <Select visible label={props.label} value={props.value} options={[["", say("phone.default_device")], ...options]} onChange={props.onChange} />;
}

/** Drawn past the framework: sixty times a second is no reason to compare a tree. */
function Meters({ call, muted }: { call: Call; muted: boolean }): JSX.Element {
    const say = useSay();
    const bars = [useRef<HTMLMeterElement>(null), useRef<HTMLMeterElement>(null)] as const;
    useEffect(() => {
        let frame = 0;
        const draw = (): void => {
            const { microphone, speaker } = call.levels();
            [microphone, speaker].forEach((level, index) => {
                const bar = bars[index]?.current;
                // In decibels, −60 to 0: as loud as it sounds.
                if (bar) bar.value = Math.max(0, 1 + (20 * Math.log10(Math.max(level, 1e-4))) / 60);
            });
            frame = requestAnimationFrame(draw);
        };
        frame = requestAnimationFrame(draw);
        return () => cancelAnimationFrame(frame);
    }, [call]);
    return (
        <dl class="meters">
            <div>
                <dt>
                    {say("phone.level_you")} {muted && <span class="quiet">({say("phone.muted")})</span>}
                </dt>
                <dd>
                    <meter ref={bars[0]} min={0} max={1} aria-label={say("phone.level_you")} />
                </dd>
            </div>
            <div>
                <dt>{say("phone.level_agent")}</dt>
                <dd>
                    <meter ref={bars[1]} min={0} max={1} aria-label={say("phone.level_agent")} />
                </dd>
            </div>
        </dl>
    );
}

function Keys({ call }: { call: Call | null }): JSX.Element {
    const say = useSay();
    const press = (key: string): void => {
        try {
            call?.press(key);
        } catch {
            // The far end took no keys when the call was agreed.
        }
    };
    return (
        <fieldset class="keys">
            <legend>{say("phone.keys")}</legend>
            {[..."123456789*0#"].map((key) => (
                <button key={key} type="button" aria-label={say("phone.key", { key })} onClick={() => press(key)}>
                    {key}
                </button>
            ))}
        </fieldset>
    );
}

function Words({ lines }: { lines: Line[] }): JSX.Element {
    const say = useSay();
    const list = useRef<HTMLOListElement>(null);
    useEffect(() => {
        if (list.current) list.current.scrollTop = list.current.scrollHeight;
    }, [lines]);
    if (lines.length === 0) return <p class="quiet">{say("phone.transcript_empty")}</p>;
    return (
        <ol class="transcript" ref={list} tabIndex={0} aria-label={say("phone.transcript")} aria-live="polite">
            {lines.map((line, index) => (
                <li key={index} class={`said said-${line.speaker}${line.final ? "" : " said-partial"}`}>
                    <span class="said-who">{line.speaker === "caller" ? say("phone.you") : say("lanes.agent")}</span>
                    <span class="said-words">{line.text}</span>
                </li>
            ))}
        </ol>
    );
}

function why(say: Say, end: End): string {
    const { error } = end;
    // The token was refused, or the call itself.
    if (isFailure(error) || error instanceof HttpError) {
        if (error.status === 501) return say("phone.end.unavailable");
        if (error.status === 404) return say("phone.end.no_agent");
        return isFailure(error) ? explain(say, error) : say("phone.end.refused", { reason: error.reason });
    }
    return end.reason === "refused" ? say("phone.end.failed") : say(`phone.end.${end.reason}`);
}

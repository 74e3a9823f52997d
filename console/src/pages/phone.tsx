// A telephone on the page: it calls an agent through the gateway's browser leg.

import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";

import { type Call, type Devices, type End, HttpError, devices, onDevices } from "../../sdk/src/index";
import { isFailure } from "../api/session";
import { clock } from "../format";
import { type Say, useSay } from "../i18n";
import { type Line, type Phone, chooseMicrophone, chooseSpeaker, dial, hangUp, phone, playAfterAll, toggleMute } from "../phone";
import type { Route } from "../router";
import { useStore } from "../store";
import { AgentField } from "../ui/agent";
import { useNow } from "../ui/hooks";
import { Link, Notice, Select, Title, explain } from "../ui/parts";

export function PhonePage(): JSX.Element {
    const say = useSay();
    const now = useStore(phone);
    const [found, setFound] = useState<Devices>({ microphones: [], speakers: [] });
    const [agent, setAgent] = useState(now.agent);
    useEffect(() => {
        const look = (): void => void devices().then(setFound).catch(() => {});
        look();
        return onDevices(look);
    }, [now.state]);
    const up = now.call !== null;
    const submit = (event: Event): void => {
        event.preventDefault();
        if (!up) dial(agent.trim());
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
                    <p class="quiet phone-turn" role="status">
                        {up && now.turn !== null && say(`phone.turn.${now.turn}`)}
                    </p>
                    {now.end !== null && <Notice kind={now.end.reason === "hung_up" || now.end.reason === "remote" ? "info" : "bad"}>{why(say, now.end)}</Notice>}
                    {now.trouble !== null && (
                        <Notice kind="warning" urgent>
                            {say(`phone.trouble.${now.trouble}`)}{" "}
                            {now.trouble === "play_refused" && (
                                <button type="button" onClick={playAfterAll}>
                                    {say("phone.play")}
                                </button>
                            )}
                        </Notice>
                    )}
                    {!up && <AgentField hint={say("phone.hint")} value={agent} onInput={setAgent} />}
                    <Device label={say("phone.microphone")} found={found.microphones} value={now.microphone} onChange={chooseMicrophone} />
                    <Device label={say("phone.speaker")} found={found.speakers} value={now.speaker} onChange={chooseSpeaker} />
                    {up && now.call !== null && <Meters call={now.call} muted={now.muted} />}
                    <div class="form-foot">
                        {up ? (
                            <>
                                <button type="button" class="danger" onClick={hangUp}>
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
            <span class="quiet" role="status">
                {now.trouble !== null && say(`phone.trouble.${now.trouble}`)}
            </span>
            {now.connectedAt !== null && <TalkTime since={now.connectedAt} />}
            <Link to="/phone">{say("phone.show")}</Link>
            <MuteButton now={now} />
            <button type="button" class="danger" onClick={hangUp}>
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
    return (
        <button type="button" aria-pressed={now.muted} onClick={toggleMute}>
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
    // What stands in it from the first is what is told of by ear: the place of the words is there before they are.
    return (
        <div aria-live="polite">
            {lines.length === 0 ? (
                <p class="quiet">{say("phone.transcript_empty")}</p>
            ) : (
                <ol class="transcript" ref={list} tabIndex={0} aria-label={say("phone.transcript")}>
                    {lines.map((line, index) => (
                        <li key={index} class={`said said-${line.speaker}${line.final ? "" : " said-partial"}`}>
                            <span class="said-who">{line.speaker === "caller" ? say("phone.you") : say("lanes.agent")}</span>
                            <span class="said-words">{line.text}</span>
                        </li>
                    ))}
                </ol>
            )}
        </div>
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

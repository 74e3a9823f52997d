// What an operator may do to a running call: listen in, send it elsewhere, end it.

import { useEffect, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask } from "../api/client";
import { may } from "../api/session";
import type { CallRecord } from "../api/types";
import { useSay } from "../i18n";
import { Dialog, FailureNotice, Field, Notice } from "../ui/parts";
import { type Listening, listen } from "./listen";

type Doing = "none" | "end" | "transfer";

export function CallActions({ call, again }: { call: CallRecord; again: () => void }): JSX.Element {
    const say = useSay();
    const [doing, setDoing] = useState<Doing>("none");
    const [told, setTold] = useState<string | null>(null);
    const [failure, setFailure] = useState<unknown>(null);
    const [target, setTarget] = useState("");
    const act = async (path: string, body: unknown, done: string): Promise<void> => {
        setFailure(null);
        try {
            await ask("POST", `/v1/calls/${encodeURIComponent(call.id)}/${path}`, body === undefined ? {} : { body });
            setTold(done);
            setDoing("none");
            again();
        } catch (error) {
            setFailure(error);
        }
    };
    const close = (): void => {
        setDoing("none");
        setFailure(null);
    };
    const up = call.session_status === "running";
    return (
        <div class="actions">
            {up && may("calls:listen") && <ListenButton id={call.id} onFailure={setFailure} />}
            {may("calls:control") && (
                <>
                    {up && (
                        <button type="button" onClick={() => setDoing("transfer")}>
                            {say("call.transfer")}
                        </button>
                    )}
                    <button type="button" class="danger" onClick={() => setDoing("end")}>
                        {say("call.end")}
                    </button>
                </>
            )}
            {told !== null && <Notice kind="info">{told}</Notice>}
            {doing === "none" && <FailureNotice failure={failure} />}
            {doing === "end" && (
                <Dialog title={say("call.end")} onClose={close}>
                    <p>{say("call.end_sure")}</p>
                    <FailureNotice failure={failure} />
                    <div class="form-foot">
                        <button type="button" class="danger" onClick={() => void act("end", undefined, say("call.asked_end"))}>
                            {say("call.end")}
                        </button>
                        <button type="button" onClick={close}>
                            {say("app.cancel")}
                        </button>
                    </div>
                </Dialog>
            )}
            {doing === "transfer" && (
                <Dialog title={say("call.transfer")} onClose={close}>
                    <form
                        class="form"
                        onSubmit={(event) => {
                            event.preventDefault();
                            void act("transfer", { to: target.trim() }, say("call.asked_transfer"));
                        }}
                    >
                        <Field label={say("call.transfer_to")} hint={say("call.transfer_hint")} required autofocus value={target} onInput={setTarget} />
                        <FailureNotice failure={failure} />
                        <div class="form-foot">
                            <button type="submit" class="primary">
                                {say("call.transfer_go")}
                            </button>
                            <button type="button" onClick={close}>
                                {say("app.cancel")}
                            </button>
                        </div>
                    </form>
                </Dialog>
            )}
        </div>
    );
}

function ListenButton({ id, onFailure }: { id: string; onFailure: (failure: unknown) => void }): JSX.Element {
    const say = useSay();
    const [on, setOn] = useState(false);
    const [over, setOver] = useState(false);
    const listening = useRef<Listening | null>(null);
    useEffect(() => () => listening.current?.stop(), []);
    const toggle = (): void => {
        listening.current?.stop();
        setOver(false);
        onFailure(null);
        if (listening.current !== null) {
            listening.current = null;
            return setOn(false);
        }
        setOn(true);
        listening.current = listen(id, (failure) => {
            listening.current = null;
            setOn(false);
            setOver(failure === null);
            onFailure(failure);
        });
    };
    return (
        <>
            <button type="button" aria-pressed={on} onClick={toggle}>
                {say(on ? "call.listen_stop" : "call.listen")}
            </button>
            <span class={over ? "quiet" : "heard-only"} role="status">
                {on ? say("call.listening") : over ? say("call.listen_over") : ""}
            </span>
        </>
    );
}

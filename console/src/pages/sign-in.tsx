// Signing in, step by step: each answer says which step is next.

import { useState } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";

import { ask } from "../api/client";
import { isFailure, signedIn } from "../api/session";
import type { Enrolled, Enrolment, SignIn } from "../api/types";
import { Mark } from "../app";
import { type Key, useSay } from "../i18n";
import { qr } from "../qr";
import { type StepToken, stepToken, tooLate } from "../step";
import { Field, Notice, Title, explain } from "../ui/parts";

type Step =
    | { at: "password" }
    | { at: "second_factor" | "password_change"; token: StepToken }
    | { at: "enrolment"; token: StepToken; enrolment: Enrolment }
    | { at: "codes"; codes: string[]; then: SignIn };

const COOKIE = { refresh: "cookie" };

export function SignInPage({ notice }: { notice: "none" | "over" | "idle" }): JSX.Element {
    const say = useSay();
    const [step, setStep] = useState<Step>({ at: "password" });
    const [told, setTold] = useState<Key | null>(null);
    const next = async (answer: SignIn): Promise<void> => {
        setTold(null);
        switch (answer.status) {
            case "signed_in":
                return signedIn(answer);
            case "enrolment": {
                const { body } = await ask<Enrolment>("POST", "/v1/auth/enrolment", { body: { step_token: answer.step_token }, open: true });
                return setStep({ at: "enrolment", token: stepToken(answer.step_token), enrolment: body });
            }
            default:
                return setStep({ at: answer.status, token: stepToken(answer.step_token) });
        }
    };
    const again = (why: Key | null): void => {
        setTold(why);
        setStep({ at: "password" });
    };
    return (
        <div class="signin">
            <p class="signin-brand">
                <Mark />
                {say("app.name")}
            </p>
            {notice !== "none" && step.at === "password" && <Notice kind="info">{say(`signin.${notice}`)}</Notice>}
            {told !== null && <Notice kind="warning">{say(told)}</Notice>}
            {step.at === "password" && <Password next={next} />}
            {step.at === "second_factor" && <SecondFactor token={step.token} next={next} again={again} />}
            {step.at === "password_change" && <Replace token={step.token} next={next} again={again} />}
            {step.at === "enrolment" && (
                <Enrol
                    token={step.token}
                    enrolment={step.enrolment}
                    again={again}
                    done={({ sign_in, backup_codes }) => setStep({ at: "codes", codes: backup_codes, then: sign_in })}
                />
            )}
            {step.at === "codes" && <Codes codes={step.codes} done={() => next(step.then)} />}
        </div>
    );
}

interface StepProps {
    token: StepToken;
    next: (answer: SignIn) => Promise<void>;
    again: (why: Key | null) => void;
}

/** A form of one step: one thing at a time is under way, and what failed stands below it. */
function StepForm(props: {
    title: Key;
    go: Key;
    refused: Key;
    children: ComponentChildren;
    submit: () => Promise<void>;
    token?: StepToken;
    again?: ((why: Key | null) => void) | undefined;
}): JSX.Element {
    const say = useSay();
    const [busy, setBusy] = useState(false);
    const [failure, setFailure] = useState<string | null>(null);
    const submit = async (event: Event): Promise<void> => {
        event.preventDefault();
        if (busy) return;
        setBusy(true);
        setFailure(null);
        try {
            await props.submit();
        } catch (error) {
            const refused = isFailure(error) && error.status === 401;
            // With a token that is over no code is ever right.
            if (refused && tooLate(props.token, error.status)) return props.again?.("signin.too_late");
            setFailure(refused ? say(props.refused) : explain(say, error));
        } finally {
            setBusy(false);
        }
    };
    return (
        <form class="form" onSubmit={(event) => void submit(event)} aria-busy={busy}>
            <Title tab={say(props.title)}>{say(props.title)}</Title>
            {props.children}
            {failure !== null && (
                <Notice kind="bad" urgent>
                    {failure}
                </Notice>
            )}
            <div class="form-foot">
                <button type="submit" class="primary" aria-disabled={busy}>
                    {say(props.go)}
                </button>
                {props.again && (
                    <button type="button" class="plain" onClick={() => props.again?.(null)}>
                        {say("signin.again")}
                    </button>
                )}
            </div>
        </form>
    );
}

function Password({ next }: { next: StepProps["next"] }): JSX.Element {
    const say = useSay();
    const [email, setEmail] = useState("");
    const [password, setPassword] = useState("");
    const submit = async (): Promise<void> => {
        const { body } = await ask<SignIn>("POST", "/v1/auth/login", { body: { email, password, ...COOKIE }, open: true });
        await next(body);
    };
    return (
        <StepForm title="signin.title" go="signin.go" refused="signin.refused" submit={submit}>
            <Field label={say("signin.email")} type="email" name="email" autocomplete="username" required autofocus value={email} onInput={setEmail} />
            <Field
                label={say("signin.password")}
                type="password"
                name="password"
                autocomplete="current-password"
                required
                value={password}
                onInput={setPassword}
            />
        </StepForm>
    );
}

function SecondFactor({ token, next, again }: StepProps): JSX.Element {
    const say = useSay();
    const [code, setCode] = useState("");
    const [backup, setBackup] = useState(false);
    const submit = async (): Promise<void> => {
        const sent = backup ? code.trim() : code.replace(/\s/g, "");
        const { body } = await ask<SignIn>("POST", "/v1/auth/second_factor", { body: { step_token: token.token, code: sent, ...COOKIE }, open: true });
        await next(body);
    };
    const other = (): void => {
        setBackup(!backup);
        setCode("");
    };
    return (
        <StepForm title="signin.factor.title" go="signin.continue" refused="signin.code_refused" submit={submit} token={token} again={again}>
            <Field
                key={String(backup)}
                label={say(backup ? "signin.factor.backup" : "signin.factor.code")}
                hint={say(backup ? "signin.factor.backup_hint" : "signin.factor.hint")}
                name="code"
                autocomplete="one-time-code"
                inputMode={backup ? "text" : "numeric"}
                required
                autofocus
                value={code}
                onInput={setCode}
            />
            <p>
                <button type="button" class="link" onClick={other}>
                    {say(backup ? "signin.factor.use_app" : "signin.factor.use_backup")}
                </button>
            </p>
        </StepForm>
    );
}

function Replace({ token, next, again }: StepProps): JSX.Element {
    const say = useSay();
    const [password, setPassword] = useState("");
    const submit = async (): Promise<void> => {
        const asked = { step_token: token.token, password, ...COOKIE };
        const { body } = await ask<SignIn>("POST", "/v1/auth/password/replace", { body: asked, open: true });
        await next(body);
    };
    return (
        <StepForm title="signin.replace.title" go="signin.continue" refused="signin.too_late" submit={submit} token={token} again={again}>
            <Field
                label={say("signin.replace.new")}
                hint={say("signin.replace.hint")}
                type="password"
                name="new-password"
                autocomplete="new-password"
                required
                autofocus
                minLength={15}
                value={password}
                onInput={setPassword}
            />
        </StepForm>
    );
}

function Enrol(props: { token: StepToken; enrolment: Enrolment; again: StepProps["again"]; done: (enrolled: Enrolled) => void }): JSX.Element {
    const say = useSay();
    const [code, setCode] = useState("");
    const submit = async (): Promise<void> => {
        const asked = { step_token: props.token.token, code: code.replace(/\s/g, ""), ...COOKIE };
        const { body } = await ask<Enrolled>("POST", "/v1/auth/enrolment/confirm", { body: asked, open: true });
        props.done(body);
    };
    return (
        <StepForm title="signin.enrol.title" go="signin.continue" refused="signin.code_refused" submit={submit} token={props.token} again={props.again}>
            <p class="hint">{say("signin.enrol.hint")}</p>
            <Picture text={props.enrolment.uri} label={say("signin.enrol.picture")} />
            <p class="secret">
                <span class="quiet">{say("signin.enrol.secret")}</span> <code>{props.enrolment.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>
            </p>
            <Field
                label={say("signin.factor.code")}
                name="code"
                autocomplete="one-time-code"
                inputMode="numeric"
                required
                autofocus
                value={code}
                onInput={setCode}
            />
        </StepForm>
    );
}

function Picture({ text, label }: { text: string; label: string }): JSX.Element | null {
    const modules = qr(text);
    if (modules === null) return null;
    const size = modules.length + 8;
    const dark = modules.flatMap((line, row) => line.map((cell, column) => (cell ? `M${column + 4} ${row + 4}h1v1h-1z` : ""))).join("");
    return (
        <svg class="qr" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shape-rendering="crispEdges">
            <rect width={size} height={size} fill="#fff" />
            <path d={dark} fill="#000" />
        </svg>
    );
}

function Codes({ codes, done }: { codes: string[]; done: () => Promise<void> }): JSX.Element {
    const say = useSay();
    return (
        <StepForm title="signin.codes.title" go="signin.codes.done" refused="signin.too_late" submit={done}>
            <p class="hint">{say("signin.codes.hint")}</p>
            <ul class="codes">
                {codes.map((code) => (
                    <li key={code}>
                        <code>{code}</code>
                    </li>
                ))}
            </ul>
        </StepForm>
    );
}

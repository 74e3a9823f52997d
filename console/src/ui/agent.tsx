// Which agent is to speak: chosen from a list where the user may see it, typed where not.

import { useState } from "preact/hooks";
import type { JSX } from "preact";

import { ask } from "../api/client";
import { may } from "../api/session";
import type { Page } from "../api/types";
import { useSay } from "../i18n";
import { useLoaded } from "./hooks";
import { Field, Select } from "./parts";

interface AgentFieldProps {
    value: string;
    onInput: (agent: string) => void;
    hint?: string;
    /** What an empty field means; it may not be empty when this is absent. */
    whenEmpty?: string;
}

/** No agent bears such a name. */
const OTHER = "\u0000";

export function AgentField(props: AgentFieldProps): JSX.Element {
    const say = useSay();
    const { value: names } = useLoaded(listed, null, []);
    const { value, onInput, hint, whenEmpty } = props;
    const [typed, setTyped] = useState(false);
    const field = (label: string): JSX.Element => (
        <Field label={label} hint={hint} placeholder={whenEmpty ?? ""} required={whenEmpty === undefined} value={value} onInput={onInput} />
    );
    if (names === null || names.length === 0) return field(say("phone.agent"));
    const all: [string, string][] = names.map((name) => [name, name]);
    if (whenEmpty !== undefined) all.unshift(["", whenEmpty]);
    else if (!names.includes(value)) all.unshift([value, value === "" ? say("phone.agent_choose") : value]);
    all.push([OTHER, say("phone.agent_other")]);
    const choose = (chosen: string): void => {
        setTyped(chosen === OTHER);
        onInput(chosen === OTHER ? "" : chosen);
    };
    return (
        <>
            <Select visible label={say("phone.agent")} value={typed ? OTHER : value} options={all} onChange={choose} />
            {typed && field(say("phone.agent_typed"))}
        </>
    );
}

/** None where the list is not the user's to see; whoever is not among the first may be typed. */
async function listed(signal: AbortSignal): Promise<string[]> {
    if (!may("agents:read")) return [];
    const { body } = await ask<Page<{ name: string }>>("GET", "/v1/agents?limit=200", { signal });
    return body.items.map(({ name }) => name);
}

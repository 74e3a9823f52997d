// Which agent is to speak: chosen from a list where the user may see it, typed where not.

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

export function AgentField(props: AgentFieldProps): JSX.Element {
    const say = useSay();
    const { value: names } = useLoaded(listed, null, []);
    const { value, onInput, hint, whenEmpty } = props;
    if (names !== null && names.length > 0) {
        const all: [string, string][] = names.map((name) => [name, name]);
        if (whenEmpty !== undefined) all.unshift(["", whenEmpty]);
        else if (!names.includes(value)) all.unshift([value, value === "" ? say("phone.agent_choose") : value]);
        return <Select visible label={say("phone.agent")} value={value} options={all} onChange={onInput} />;
    }
    return <Field label={say("phone.agent")} hint={hint} placeholder={whenEmpty ?? ""} required={whenEmpty === undefined} value={value} onInput={onInput} />;
}

/** None where the list is not the user's to see. */
async function listed(signal: AbortSignal): Promise<string[]> {
    if (!may("agents:read")) return [];
    const { body } = await ask<Page<{ name: string }>>("GET", "/v1/agents?limit=200", { signal });
    return body.items.map(({ name }) => name);
}

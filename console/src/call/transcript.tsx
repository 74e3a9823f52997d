import { useEffect, useRef } from "preact/hooks";
import type { JSX } from "preact";

import { clock } from "../format";
import { useSay } from "../i18n";
import type { Span } from "./spans";

/** What was said, in the order in which it began to be heard. */
export function Transcript(props: { spans: Span[]; selected: number | null; onSelect: (index: number) => void; live: boolean; follow: boolean }): JSX.Element {
    const say = useSay();
    const list = useRef<HTMLOListElement>(null);
    const { spans, selected } = props;
    useEffect(() => {
        const element = list.current?.querySelector<HTMLElement>(`[data-row="${selected}"]`);
        const around = list.current;
        if (!element || !around) return;
        const [top, bottom] = [element.offsetTop - around.offsetTop, element.offsetTop - around.offsetTop + element.offsetHeight];
        if (top < around.scrollTop || bottom > around.scrollTop + around.clientHeight) around.scrollTop = top - around.clientHeight / 3;
    }, [selected]);
    useEffect(() => {
        if (props.follow && list.current) list.current.scrollTop = list.current.scrollHeight;
    }, [spans.length, props.follow]);
    return (
        <ol class="transcript" ref={list} tabIndex={0} aria-label={say("call.conversation")} aria-live={props.live ? "polite" : "off"}>
            {spans.map((span) => (
                <li key={span.index} data-row={span.index} class={`said said-${span.speaker}${span.index === selected ? " said-selected" : ""}`} onClick={() => props.onSelect(span.index)}>
                    <span class="said-time">{clock(span.fromMs)}</span>
                    <span class="said-who">{say(`lanes.${span.speaker}`)}</span>
                    <span class="said-words">
                        {span.text}
                        {span.interrupted && <span class="said-cut"> — {say("transcript.interrupted", { ms: span.heardMs ?? 0 })}</span>}
                    </span>
                </li>
            ))}
        </ol>
    );
}

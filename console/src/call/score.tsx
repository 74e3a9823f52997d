// Both sides of a call on one axis of time, like two voices of a score, with what they said and where one cut the other short.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { JSX } from "preact";

import { clock, moment } from "../format";
import { useSay } from "../i18n";
import { type BargeIn, type Span, ticks } from "./spans";

interface ScoreProps {
    spans: Span[];
    bargeIns: BargeIn[];
    lengthMs: number;
    selected: number | null;
    onSelect: (index: number) => void;
    follow: boolean;
}

const ZOOMS = [6, 12, 24, 48, 96];

export function Score(props: ScoreProps): JSX.Element {
    const say = useSay();
    const [zoom, setZoom] = useState(3);
    const [view, setView] = useState<[number, number]>([0, 1]);
    const scroller = useRef<HTMLDivElement>(null);
    const pxPerMs = (ZOOMS[zoom] ?? 48) / 1_000;
    const width = Math.ceil(props.lengthMs * pxPerMs) + 24;
    const seen = (): void => {
        const element = scroller.current;
        if (element) setView([element.scrollLeft / element.scrollWidth, element.clientWidth / element.scrollWidth]);
    };
    const showAt = (ms: number): void => {
        const element = scroller.current;
        if (element) element.scrollLeft = ms * pxPerMs - element.clientWidth / 2;
    };
    useLayoutEffect(() => {
        const element = scroller.current;
        if (element && props.follow) element.scrollLeft = element.scrollWidth;
        seen();
    }, [width, props.follow]);
    useEffect(() => {
        const chosen = props.spans.find((span) => span.index === props.selected);
        const element = scroller.current;
        if (!chosen || !element) return;
        const left = chosen.fromMs * pxPerMs;
        if (left < element.scrollLeft || left > element.scrollLeft + element.clientWidth - 40) showAt(chosen.fromMs);
    }, [props.selected, zoom]);
    return (
        <div class="score">
            <div class="score-head">
                <Overview {...props} view={view} onPick={showAt} />
                <div class="zoom">
                    <button type="button" aria-label={say("lanes.zoom_out")} title={say("lanes.zoom_out")} disabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>
                        −
                    </button>
                    <button
                        type="button"
                        aria-label={say("lanes.zoom_in")}
                        title={say("lanes.zoom_in")}
                        disabled={zoom === ZOOMS.length - 1}
                        onClick={() => setZoom(zoom + 1)}
                    >
                        +
                    </button>
                </div>
            </div>
            <div class="score-body">
                <div class="score-names" aria-hidden="true">
                    <span>{say("lanes.caller")}</span>
                    <span>{say("lanes.agent")}</span>
                </div>
                <div class="score-scroll" ref={scroller} onScroll={seen}>
                    <Lanes {...props} pxPerMs={pxPerMs} width={width} />
                </div>
            </div>
        </div>
    );
}

function Overview(props: ScoreProps & { view: [number, number]; onPick: (ms: number) => void }): JSX.Element {
    const say = useSay();
    const { spans, bargeIns, lengthMs, view } = props;
    const drawn = useMemo(
        () => (
            <>
                {spans.map((span) => (
                    <rect
                        key={span.index}
                        class={`span-${span.speaker}`}
                        x={(span.fromMs / lengthMs) * 1_000}
                        width={Math.max(1.5, ((span.toMs - span.fromMs) / lengthMs) * 1_000)}
                        y={span.speaker === "caller" ? 4 : 16}
                        height={10}
                    />
                ))}
                {bargeIns.map(({ atMs }) => (
                    <rect key={atMs} class="span-barge" x={(atMs / lengthMs) * 1_000 - 0.75} width={1.5} y={1} height={28} />
                ))}
            </>
        ),
        [spans, bargeIns, lengthMs],
    );
    const pick = (event: MouseEvent): void => {
        const box = (event.currentTarget as SVGElement).getBoundingClientRect();
        props.onPick(((event.clientX - box.left) / box.width) * lengthMs);
    };
    return (
        <svg class="overview" viewBox="0 0 1000 30" preserveAspectRatio="none" role="img" aria-label={say("lanes.overview")} onClick={pick}>
            {drawn}
            {view[1] < 1 && <rect class="overview-view" x={view[0] * 1_000} width={view[1] * 1_000} y={0.5} height={29} />}
        </svg>
    );
}

function Lanes(props: ScoreProps & { pxPerMs: number; width: number }): JSX.Element {
    const say = useSay();
    const { spans, bargeIns, lengthMs, pxPerMs, width, selected, onSelect } = props;
    const lanes = useRef<HTMLDivElement>(null);
    // One stop of the Tab key for all; the arrows go on from there.
    const stop = selected ?? spans[0]?.index ?? null;
    const move = (event: KeyboardEvent): void => {
        const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        const at = spans.findIndex((span) => span.index === stop);
        const next = spans[Math.min(spans.length - 1, Math.max(0, at + step))];
        if (!next) return;
        onSelect(next.index);
        requestAnimationFrame(() => lanes.current?.querySelector<HTMLElement>(`[data-index="${next.index}"]`)?.focus({ preventScroll: true }));
    };
    const drawn = useMemo(
        () =>
            spans.map((span) => (
                <button
                    key={span.index}
                    type="button"
                    data-index={span.index}
                    tabIndex={span.index === stop ? 0 : -1}
                    class={`block block-${span.speaker}${span.index === selected ? " block-selected" : ""}${span.interrupted ? " block-cut" : ""}`}
                    style={{ left: `${span.fromMs * pxPerMs}px`, width: `${Math.max(3, (span.toMs - span.fromMs) * pxPerMs - 1)}px` }}
                    aria-label={`${say(`lanes.${span.speaker}`)}, ${clock(span.fromMs)}: ${span.text}`}
                    aria-pressed={span.index === selected}
                    title={span.text}
                    onClick={() => onSelect(span.index)}
                >
                    <span>{span.text}</span>
                </button>
            )),
        [spans, selected, pxPerMs, stop, say],
    );
    return (
        <div class="lanes" ref={lanes} style={{ width: `${width}px` }} role="group" aria-label={`${say("lanes.label")}. ${say("lanes.hint")}`} onKeyDown={move}>
            <div class="axis" aria-hidden="true">
                {ticks(lengthMs, pxPerMs, 72).map((at) => (
                    <span key={at} style={{ left: `${at * pxPerMs}px` }}>
                        {clock(at)}
                    </span>
                ))}
            </div>
            <div class="lane-ground" aria-hidden="true" />
            {drawn}
            {bargeIns.map(({ atMs, discardedMs }) => (
                <div
                    key={atMs}
                    class="barge"
                    style={{ left: `${atMs * pxPerMs}px` }}
                    role="img"
                    aria-label={say("lanes.barge_in_at", { time: moment(atMs), ms: discardedMs })}
                    title={say("lanes.barge_in_at", { time: moment(atMs), ms: discardedMs })}
                />
            ))}
        </div>
    );
}

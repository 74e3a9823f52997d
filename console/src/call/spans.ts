// Who spoke when: what the lanes of a call are drawn from. No element of the page is known here.

import type { CallRecord, Moment, Speaker, Turn, Utterance } from "../api/types";

/** One utterance on its lane. Times are milliseconds of the call. */
export interface Span {
    index: number;
    speaker: Speaker;
    fromMs: number;
    toMs: number;
    text: string;
    heardMs: number | null;
    interrupted: boolean;
    /** Whether `fromMs` or `toMs` had to be guessed from the length of the text. */
    estimated: boolean;
}

/** The utterances of a call in the order in which they began. `nowMs` ends what is still being said. */
export function spansOf(transcript: Utterance[], nowMs: number): Span[] {
    const spans = transcript.map((utterance, index) => spanOf(utterance, index, nowMs));
    return spans.sort((a, b) => a.fromMs - b.fromMs || a.index - b.index);
}

function spanOf(utterance: Utterance, index: number, nowMs: number): Span {
    const { speaker, text, interrupted, at_ms: at } = utterance;
    const began = utterance.began_ms ?? null;
    const ended = utterance.ended_ms ?? null;
    const heardMs = utterance.heard_ms;
    const guess = Math.max(SHORTEST_MS, text.length * MS_A_LETTER);
    let [fromMs, toMs] = [began ?? at, ended ?? at];
    if (speaker === "agent") {
        toMs = ended ?? fromMs + (heardMs ?? (began === null ? guess : Math.max(0, Math.min(nowMs - began, guess))));
    } else {
        fromMs = began ?? Math.max(0, toMs - guess);
    }
    // What was cut before its first packet was heard nowhere, and that is known.
    const unheard = speaker === "agent" && heardMs === 0;
    const estimated = !unheard && (began === null || (ended === null && speaker === "caller"));
    return { index, speaker, fromMs, toMs: Math.max(toMs, fromMs + SHORTEST_MS), text, heardMs, interrupted, estimated };
}

export interface BargeIn {
    atMs: number;
    discardedMs: number;
}

export function bargeInsOf(timeline: Moment[]): BargeIn[] {
    return timeline.filter((moment) => moment.event === "barge_in").map((moment) => ({ atMs: moment.at_ms, discardedMs: Number(moment["discarded_ms"] ?? 0) }));
}

export function turnsOf(timeline: Moment[]): Turn[] {
    return timeline.filter((moment): moment is Turn => moment.event === "turn");
}

/** How long the call has lasted, from its INVITE. */
export function lengthMs(call: CallRecord, now: number): number {
    const end = call.ended_at === null ? now : Date.parse(call.ended_at);
    const last = call.timeline.at(-1)?.at_ms ?? 0;
    return Math.max(1_000, last, end - Date.parse(call.started_at));
}

export interface Summary {
    count: number;
    median: number;
    p95: number;
    worst: number;
}

/** Of the times to the first packet of an answer, by nearest rank. */
export function summaryOf(turns: Turn[]): Summary | null {
    const sorted = turns.map((turn) => turn.latency_ms).sort((a, b) => a - b);
    const rank = (part: number): number => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
    return sorted.length === 0 ? null : { count: sorted.length, median: rank(0.5), p95: rank(0.95), worst: rank(1) };
}

/** The next round figure: what an axis ends at. */
export function roundedUp(value: number): number {
    const power = 10 ** Math.floor(Math.log10(value));
    return ([1, 1.5, 2, 3, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

/** Marks for an axis of `lengthMs`, at least `apartPx` from each other. */
export function ticks(length: number, pxPerMs: number, apartPx: number): number[] {
    const step = STEPS_MS.find((candidate) => candidate * pxPerMs >= apartPx) ?? STEPS_MS.at(-1) ?? 3_600_000;
    const marks: number[] = [];
    for (let at = 0; at <= length && marks.length < 2_000; at += step) marks.push(at);
    return marks;
}

const STEPS_MS = [500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
const SHORTEST_MS = 300;
const MS_A_LETTER = 62;

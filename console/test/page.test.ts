import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { EventParser, backoffMs } from "../src/api/stream";
import { bargeInsOf, lengthMs, roundedUp, spansOf, summaryOf, ticks, turnsOf } from "../src/call/spans";
import { en } from "../src/i18n/en";
import { es } from "../src/i18n/es";
import type { CallRecord, Moment, Utterance } from "../src/api/types";

const holes = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

test("both languages have every sentence, with the same holes", () => {
    assert.deepEqual(Object.keys(es), Object.keys(en));
    for (const [key, text] of Object.entries(en)) {
        const other = es[key as keyof typeof en];
        assert.ok(other.trim() !== "", key);
        assert.deepEqual(holes(other), holes(text), key);
    }
});

test("few sentences read the same in both languages: what does is a name or a form", () => {
    const same = Object.keys(en).filter((key) => en[key as keyof typeof en] === es[key as keyof typeof en]);
    assert.deepEqual(same.sort(), ["app.name", "app.none", "error.invalid", "turns.total"]);
});

test("every moment that a timeline can hold has its sentence, with what the moment tells", () => {
    const source = readFileSync("../src/domain/timeline.rs", "utf8");
    const moments = /pub enum Moment \{\n([\s\S]*?)\n\}/.exec(source)?.[1] ?? "";
    const found = new Map<string, string[]>();
    for (const [, name = "", body = ""] of moments.matchAll(/^ {4}([A-Z]\w+)(?: \{\n([\s\S]*?)^ {4}\})?,$/gm)) {
        const snake = name.replace(/(?!^)[A-Z]/g, "_$&").toLowerCase();
        found.set(snake, [...body.matchAll(/^ {8}(\w+): /gm)].map(([, field = ""]) => `{${field}}`));
    }
    assert.ok(found.size >= 30, [...found.keys()].join());
    const told = Object.keys(en).filter((key) => key.startsWith("moment.")).map((key) => key.slice("moment.".length));
    assert.deepEqual(told.sort(), [...found.keys()].sort());
    for (const [name, fields] of found) {
        for (const hole of holes(en[`moment.${name}` as keyof typeof en])) assert.ok(fields.includes(hole), `${name} has no ${hole}`);
    }
});

test("an event stream is read whatever pieces it comes in", () => {
    const text = ":\n\nevent: call_started\ndata: {\"a\":1}\n\ndata: x\ndata:y\n\nevent: lagged\r\ndata: {}\r\n\r\n";
    const expected = [
        { name: "call_started", data: '{"a":1}' },
        { name: "message", data: "x\ny" },
        { name: "lagged", data: "{}" },
    ];
    for (let size = 1; size <= text.length; size += 1) {
        const parser = new EventParser();
        const found = [];
        for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
        assert.deepEqual(found, expected, `in pieces of ${size}`);
    }
});

test("attempts come more and more seldom, and not all at one time", () => {
    assert.ok(backoffMs(0, 0) >= 500 && backoffMs(0, 0.99) <= 1_000);
    assert.equal(backoffMs(50, 1), 30_000);
    assert.notEqual(backoffMs(3, 0.1), backoffMs(3, 0.9));
});

const said = (utterance: Partial<Utterance>): Utterance => ({ at_ms: 0, speaker: "caller", text: "Yes.", heard_ms: null, interrupted: false, ...utterance });

test("an utterance stands where it was heard", () => {
    const spans = spansOf([said({ at_ms: 2_500, began_ms: 1_000, ended_ms: 1_800 }), said({ speaker: "agent", at_ms: 2_900, began_ms: 2_700, ended_ms: 3_340, heard_ms: 640 })], Infinity);
    assert.deepEqual(spans.map(({ fromMs, toMs, estimated }) => [fromMs, toMs, estimated]), [
        [1_000, 1_800, false],
        [2_700, 3_340, false],
    ]);
});

test("where nothing is known the length of the text stands in, and says so", () => {
    const [caller, agent] = spansOf([said({ at_ms: 5_000, text: "x".repeat(50) }), said({ speaker: "agent", at_ms: 6_000, heard_ms: 1_500 })], Infinity);
    assert.ok(caller && agent);
    assert.deepEqual([caller.toMs, caller.estimated, agent.fromMs, agent.toMs, agent.estimated], [5_000, true, 6_000, 7_500, true]);
    assert.ok(caller.fromMs < caller.toMs - 2_000);
});

test("an answer that was cut before its first packet is nowhere, and nothing of it is a guess", () => {
    const [span] = spansOf([said({ speaker: "agent", at_ms: 9_000, heard_ms: 0, interrupted: true })], Infinity);
    assert.deepEqual([span?.fromMs, span?.estimated], [9_000, false]);
});

test("the order is that in which one hears it", () => {
    const spans = spansOf([said({ at_ms: 9_000, began_ms: 4_000, ended_ms: 5_000 }), said({ speaker: "agent", at_ms: 3_000, began_ms: 3_500, ended_ms: 3_900 })], Infinity);
    assert.deepEqual(spans.map(({ index }) => index), [1, 0]);
});

const turn = (at_ms: number, latency_ms: number): Moment => ({ at_ms, event: "turn", latency_ms, endpointing_ms: 1, agent_ms: 2, egress_ms: 3 });

test("answers are summed up by nearest rank", () => {
    const turns = turnsOf([{ at_ms: 0, event: "invite" }, ...Array.from({ length: 20 }, (_, at) => turn(at, (at + 1) * 100))]);
    assert.deepEqual(summaryOf(turns), { count: 20, median: 1_000, p95: 1_900, worst: 2_000 });
    assert.equal(summaryOf([]), null);
});

test("an axis ends at a round figure, and at no less than what is drawn", () => {
    assert.deepEqual([1, 34, 100, 101, 1_400, 1_501, 9_999].map(roundedUp), [1, 50, 100, 150, 1_500, 2_000, 10_000]);
});

test("interruptions are found in the timeline", () => {
    assert.deepEqual(bargeInsOf([turn(5, 5), { at_ms: 7, event: "barge_in", discarded_ms: 420 }]), [{ atMs: 7, discardedMs: 420 }]);
});

test("a call that runs is as long as it runs, one that is over as long as it was", () => {
    const call = { started_at: "2027-01-15T08:00:00Z", ended_at: null, timeline: [] } as unknown as CallRecord;
    const at = Date.parse("2027-01-15T08:01:00Z");
    assert.equal(lengthMs(call, at), 60_000);
    assert.equal(lengthMs({ ...call, ended_at: "2027-01-15T08:00:30Z" }, at), 30_000);
});

test("marks of an axis stand apart and are bounded", () => {
    assert.deepEqual(ticks(3_000, 0.1, 72), [0, 1_000, 2_000, 3_000]);
    assert.ok(ticks(86_400_000, 0.006, 72).length <= 7_201);
});

// Where the time of each answer went.

import { useMemo } from "preact/hooks";
import type { JSX } from "preact";

import type { Turn } from "../api/types";
import { clock, ms } from "../format";
import { type Key, useSay } from "../i18n";
import { roundedUp, summaryOf } from "./spans";

const PARTS: { part: "endpointing" | "agent" | "egress"; of: (turn: Turn) => number; key: Key }[] = [
    { part: "endpointing", of: (turn) => turn.endpointing_ms, key: "turns.endpointing" },
    { part: "agent", of: (turn) => turn.agent_ms, key: "turns.agent" },
    { part: "egress", of: (turn) => turn.egress_ms, key: "turns.egress" },
];

export function Waterfall({ turns, onPick }: { turns: Turn[]; onPick: (atMs: number) => void }): JSX.Element {
    const say = useSay();
    const summary = summaryOf(turns);
    const scale = roundedUp(Math.max(50, ...turns.map((turn) => turn.latency_ms)));
    const rows = useMemo(
        () =>
            turns.map((turn, index) => (
                <tr key={turn.at_ms}>
                    <th scope="row">{index + 1}</th>
                    <td>
                        <button type="button" class="link figures" onClick={() => onPick(turn.at_ms)}>
                            {clock(turn.at_ms)}
                        </button>
                    </td>
                    <td class="figure">{ms(turn.latency_ms)}</td>
                    <td class="bars">
                        <span class="heard-only">
                            {say("turns.row", { endpointing: turn.endpointing_ms, agent: turn.agent_ms, egress: turn.egress_ms })}
                        </span>
                        <span class="bar-line" aria-hidden="true">
                            {PARTS.map(({ part, of, key }) => (
                                <span
                                    key={part}
                                    class={`part part-${part}`}
                                    style={{ width: `${(of(turn) / scale) * 100}%` }}
                                    title={`${say(key)}: ${ms(of(turn))}`}
                                />
                            ))}
                        </span>
                    </td>
                </tr>
            )),
        [turns, scale, say],
    );
    if (summary === null) return <p class="empty">{say("turns.none")}</p>;
    return (
        <>
            <dl class="figures-row">
                {(["count", "median", "p95", "worst"] as const).map((figure) => (
                    <div key={figure}>
                        <dt>{say(`turns.${figure}`)}</dt>
                        <dd>{figure === "count" ? summary.count : ms(summary[figure])}</dd>
                    </div>
                ))}
            </dl>
            <ul class="legend">
                {PARTS.map(({ part, key }) => (
                    <li key={part}>
                        <span class={`swatch part-${part}`} aria-hidden="true" />
                        {say(key)}
                    </li>
                ))}
            </ul>
            <div class="scroll-box" tabIndex={0} role="region" aria-label={say("call.turns")}>
                <table class="table waterfall">
                    <thead>
                        <tr>
                            <th scope="col">{say("turns.number")}</th>
                            <th scope="col">{say("turns.at")}</th>
                            <th scope="col" class="figure">
                                {say("turns.total")}
                            </th>
                            <th scope="col">
                                {say("turns.parts")} <span class="scale">0–{ms(scale)}</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="hint">{say("turns.hint")}</p>
        </>
    );
}

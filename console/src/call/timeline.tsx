import type { JSX } from "preact";

import type { Moment } from "../api/types";
import { moment as shown } from "../format";
import { type Put, known, useSay } from "../i18n";

/** What happened when, in the gateway's own order. */
export function Timeline({ timeline }: { timeline: Moment[] }): JSX.Element {
    const say = useSay();
    return (
        <div class="scroll-box" tabIndex={0} role="region" aria-label={say("call.timeline")}>
            <table class="table timeline">
                <thead>
                    <tr>
                        <th scope="col">{say("timeline.time")}</th>
                        <th scope="col">{say("timeline.what")}</th>
                    </tr>
                </thead>
                <tbody>
                    {timeline.map((entry, index) => {
                        const key = known(`moment.${entry.event}`);
                        return (
                            <tr key={index} class={`moment moment-${entry.event}`}>
                                <td class="figures">{shown(entry.at_ms)}</td>
                                <td>{key === null ? entry.event.replaceAll("_", " ") : say(key, details(entry))}</td>
                            </tr>
                        );
                    })}
                </tbody>
            </table>
        </div>
    );
}

function details(entry: Moment): Put {
    const put: Put = {};
    for (const [name, value] of Object.entries(entry)) if (typeof value === "number" || typeof value === "string") put[name] = value;
    return put;
}

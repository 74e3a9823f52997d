import type { JSX } from "preact";

import { number } from "../format";
import { useSay } from "../i18n";

/** How a line sounds, in a word and a figure (MOS by ITU-T G.107). */
export function QualityMark({ mos }: { mos: number | null | undefined }): JSX.Element {
    const say = useSay();
    if (mos === null || mos === undefined) return <span class="quiet">{say("app.none")}</span>;
    const word = mos >= 4 ? "good" : mos >= 3.4 ? "fair" : "poor";
    const text = say(`quality.${word}`);
    return (
        <span class={`quality quality-${word}`} title={say("quality.mos", { word: text, mos: number(mos, 1) })}>
            <span class="quality-figure">{number(mos, 1)}</span> {text}
        </span>
    );
}

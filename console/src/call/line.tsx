// How the line fared: its figures, and jitter and loss over the call.

import type { JSX } from "preact";

import type { Media, MediaSample } from "../api/types";
import { clock, ms, number, percent } from "../format";
import { useSay } from "../i18n";
import { QualityMark } from "../ui/quality";
import { Fact, Facts } from "../ui/parts";

export function LineFigures({ media }: { media: Media }): JSX.Element {
    const say = useSay();
    const course = media.course ?? [];
    const lossOf = (sample: MediaSample): number => sample.lost / Math.max(1, sample.received + sample.lost);
    return (
        <>
            {course.length < 2 ? (
                <p class="quiet plots-none">{say("line.short")}</p>
            ) : (
                <div class="plots">
                    <Plot title={say("line.jitter")} label={say("line.jitter_plot")} course={course} of={(sample) => sample.jitter_ms} least={10} show={(value) => ms(value, 1)} />
                    <Plot title={say("line.loss")} label={say("line.loss_plot")} course={course} of={lossOf} least={0.02} show={percent} />
                </div>
            )}
            <div class="columns">
                <section aria-labelledby="from-caller">
                    <h3 id="from-caller">{say("line.from_caller")}</h3>
                    <Facts>
                        <Fact name={say("line.quality")}>
                            <QualityMark mos={media.quality?.mos_listening} />
                        </Fact>
                        <Fact name={say("line.worst")}>
                            <QualityMark mos={media.worst_quality?.mos_listening} />
                        </Fact>
                        <Fact name={say("call.codec")}>{media.codec === "" ? say("app.none") : media.codec}</Fact>
                        <Fact name={say("line.received")}>{number(media.packets_received)}</Fact>
                        <Fact name={say("line.lost")}>
                            {number(media.packets_lost)} ({percent(media.fraction_lost)})
                        </Fact>
                        <Fact name={say("line.late")}>{number(media.packets_late)}</Fact>
                        <Fact name={say("line.reordered")}>{number(media.packets_reordered)}</Fact>
                        <Fact name={say("line.concealed")}>{ms(media.concealed_ms)}</Fact>
                        <Fact name={say("line.jitter")}>{ms(media.jitter_ms, 1)}</Fact>
                    </Facts>
                </section>
                <section aria-labelledby="to-caller">
                    <h3 id="to-caller">{say("line.to_caller")}</h3>
                    <Facts>
                        <Fact name={say("line.quality")}>
                            <QualityMark mos={media.remote_quality?.mos_listening} />
                        </Fact>
                        <Fact name={say("line.received")}>{number(media.packets_sent)}</Fact>
                        <Fact name={say("line.lost")}>{percent(media.remote_fraction_lost)}</Fact>
                        <Fact name={say("line.jitter")}>{ms(media.remote_jitter_ms, 1)}</Fact>
                        <Fact name={say("line.round_trip")}>{ms(media.round_trip_ms, 1)}</Fact>
                    </Facts>
                </section>
            </div>
        </>
    );
}

interface PlotProps {
    title: string;
    label: string;
    course: MediaSample[];
    of: (sample: MediaSample) => number;
    /** The axis reaches at least so far, so that nothing looks like much. */
    least: number;
    show: (value: number) => string;
}

function Plot({ title, label, course, of, least, show }: PlotProps): JSX.Element {
    const say = useSay();
    const end = course.at(-1)?.at_ms ?? 1;
    const begin = course[0]?.at_ms ?? 0;
    const most = Math.max(...course.map(of));
    const top = Math.max(least, most * 1.1);
    const points = course.map((sample) => [((sample.at_ms - begin) / Math.max(1, end - begin)) * 1_000, 100 - (of(sample) / top) * 100] as const);
    const line = points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(2)}`).join("");
    return (
        <figure class="plot">
            <figcaption>
                {title} <span class="quiet">{say("line.max", { value: show(most) })}</span>
            </figcaption>
            <div class="plot-box">
                <span class="plot-top" aria-hidden="true">
                    {show(top)}
                </span>
                <svg viewBox="0 0 1000 100" preserveAspectRatio="none" role="img" aria-label={`${label}: ${say("line.max", { value: show(most) })}`}>
                    <path class="plot-grid" d="M0 .5H1000M0 50H1000M0 99.5H1000" />
                    <path class="plot-area" d={`${line}L1000 100L0 100Z`} />
                    <path class="plot-line" d={line} />
                </svg>
                <span class="plot-ends" aria-hidden="true">
                    <span>{clock(begin)}</span>
                    <span>{clock(end)}</span>
                </span>
            </div>
        </figure>
    );
}

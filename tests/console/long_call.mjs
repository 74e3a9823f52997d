// The record of a call with many turns, as the gateway would answer it.

/** Every sixth answer is interrupted; `words` are among what was said. */
export function longCall(turns, words) {
    const timeline = [{ at_ms: 0, event: "invite" }, { at_ms: 400, event: "answered" }];
    const transcript = [];
    const course = [];
    let now = 1_000;
    for (let turn = 0; turn < turns; turn += 1) {
        const asked = words[turn % 40] ?? `Could you tell me again when I have to take the white ones, number ${turn}?`;
        const spoke = 900 + ((turn * 377) % 2_600);
        transcript.push({ at_ms: now + spoke + 300, speaker: "caller", text: asked, heard_ms: null, interrupted: false, began_ms: now, ended_ms: now + spoke });
        now += spoke;
        const [endpointing, agent, egress] = [380 + ((turn * 53) % 240), 120 + ((turn * 191) % 700), 8 + ((turn * 7) % 30)];
        const latency = endpointing + agent + egress;
        now += latency;
        timeline.push({ at_ms: now, event: "turn", latency_ms: latency, endpointing_ms: endpointing, agent_ms: agent, egress_ms: egress });
        const cut = turn % 6 === 5;
        const heard = cut ? 1_100 : 2_200 + ((turn * 611) % 3_400);
        transcript.push({
            at_ms: now + 400, speaker: "agent", text: `The white ones are for the morning, one each day with a glass of water, and the others for the night (${turn}).`,
            heard_ms: heard, interrupted: cut, began_ms: now, ended_ms: now + heard,
        });
        now += heard;
        if (cut) timeline.push({ at_ms: now, event: "barge_in", discarded_ms: 1_240 });
        now += cut ? 0 : 300;
    }
    for (let at = 0; at < now; at += 5_000) course.push({ at_ms: at, received: 250, lost: at % 65_000 === 0 ? 4 : 0, jitter_ms: 1 + ((at / 5_000) % 17) / 6, round_trip_ms: 38 });
    timeline.push({ at_ms: now, event: "ended" });
    const began = Date.parse("2027-01-15T08:00:00Z");
    const quality = { r_factor: 91, mos_listening: 4.3, mos_conversational: 4.2 };
    return {
        id: "call_00000000000000000000000000", org_id: "org_default", patient_id: null, direction: "inbound", from: "+15550100199", to: "+15550100100",
        agent: "reception", session_status: "completed", call_status: "completed", started_at: new Date(began).toISOString(),
        answered_at: new Date(began + 400).toISOString(), ended_at: new Date(began + now).toISOString(),
        termination: { class: "peer", area: "sip", reason: "hung_up" }, timeline, transcript,
        media: {
            codec: "PCMU", packets_received: 61_000, packets_sent: 60_900, packets_lost: 92, fraction_lost: 0.0015, packets_late: 3, packets_reordered: 5, concealed_ms: 1_840,
            jitter_ms: 2.1, round_trip_ms: 38.2, quality, worst_quality: { ...quality, mos_listening: 3.7 }, remote_quality: quality, remote_fraction_lost: 0.002, remote_jitter_ms: 3.4, course,
        },
    };
}

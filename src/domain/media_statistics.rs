//! How the audio of a call fared: the figures of its record.
//!
//! A figure that an older record does not have reads as its default, so that every record of every version can be read.
//! Parts of a whole are 0 to 1; what is not known is null.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::audio_diagnostics::AudioDiagnostics;

/// How the audio of a call fared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MediaStatistics {
    /// Codec of the leg, by its SDP name; empty before negotiation.
    pub codec: String,
    /// Valid RTP packets that came.
    pub packets_received: u64,
    /// RTP packets that went.
    pub packets_sent: u64,
    /// Packets that never came, by sequence number.
    pub packets_lost: u64,
    /// `packets_lost` as a part of those that should have come.
    pub fraction_lost: f64,
    /// Packets handed on toward the agent.
    pub packets_forwarded: u64,
    /// Packets that came after their span had been concealed or filled.
    pub packets_late: u64,
    /// Packets that had come before.
    pub packets_duplicate: u64,
    /// Packets that came in time, but after one that was sent later.
    pub packets_reordered: u64,
    /// Datagrams dropped: wrong source, wrong payload type, not RTP.
    pub packets_rejected: u64,
    /// How the losses fell; null while nothing has come.
    pub loss_pattern: Option<LossPattern>,
    /// How long a missing packet is waited for, at the end or now.
    pub gap_wait_ms: u64,
    /// Milliseconds made up for lost packets.
    pub concealed_ms: u64,
    /// Milliseconds of silence put in where nothing was sent.
    pub filled_ms: u64,
    /// Length of the timeline that the agent was given.
    pub timeline_ms: u64,
    /// Interarrival jitter of what came (RFC 3550 §6.4.1), at the end or now.
    pub jitter_ms: f64,
    /// The same over the call, taken once a second; null in its first second.
    pub jitter_over_call: Option<Spread>,
    /// How much faster the far end's clock runs than ours, in parts in a million; null until 20 s of it were heard.
    pub clock_skew_ppm: Option<f64>,
    /// Round trip from RTCP, last measured; null without a report that allows it.
    pub round_trip_ms: Option<f64>,
    /// The same over the call.
    pub round_trip_over_call: Option<Spread>,
    /// How what came sounds, over the whole call; null while nothing has come.
    pub quality: Option<CallQuality>,
    /// The worst of it between two reports; null before the first report.
    pub worst_quality: Option<CallQuality>,
    /// Packets of ours that never came to the far end, as it last reported; duplicates can make it negative; null without a report.
    pub remote_packets_lost: Option<i64>,
    /// Fraction lost of what we sent, as the far end last reported it; null without a report.
    pub remote_fraction_lost: Option<f64>,
    /// Jitter as the far end last reported it; null without a report.
    pub remote_jitter_ms: Option<f64>,
    /// The same over its reports.
    pub remote_jitter_over_call: Option<Spread>,
    /// How what we sent sounds there: by the far end's own word (RFC 3611), or else from what it reports lost.
    pub remote_quality: Option<CallQuality>,
    /// Caller audio dropped because the agent's socket did not take it.
    pub agent_dropped_ms: u64,
    /// How the agent's audio went out to the caller.
    pub playback: AgentPlayback,
    /// The same over the call, every 5 s; more seldom in a call of more than half an hour.
    pub course: Vec<MediaSample>,
    /// What the call sounded like; null where its number does not ask for it.
    pub audio: Option<Box<AudioDiagnostics>>,
}

/// How what came fared at one moment of the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MediaSample {
    /// Milliseconds since the INVITE.
    pub at_ms: u64,
    /// Packets that came since the sample before.
    pub received: u64,
    /// Packets that were missed since then.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter_ms: f64,
    /// Round trip from RTCP; null without a report that allows it.
    pub round_trip_ms: Option<f64>,
}

/// How the agent's audio went out to the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AgentPlayback {
    /// Milliseconds of the agent that were sent.
    pub played_ms: u64,
    /// Milliseconds of noise that were sent while the agent said nothing.
    pub noise_ms: u64,
    /// Milliseconds that nobody heard, because the caller interrupted or the agent took them back.
    pub flushed_ms: u64,
    /// Milliseconds that nobody heard, because more waited than may.
    pub dropped_ms: u64,
    /// How often the agent's audio did not come fast enough.
    pub underruns: u64,
    /// Milliseconds gathered of this agent's audio before it is played, at the end or now.
    pub prebuffer_ms: u64,
    /// Milliseconds of live audio left out to catch up, unheard.
    pub squeezed_ms: u64,
    /// Milliseconds of live audio put in, because the agent's clock is slow.
    pub stretched_ms: u64,
    /// Milliseconds of live audio that an outage had made too late to be heard.
    pub overtaken_ms: u64,
    /// Frames of silence left out of audio that passes untouched.
    pub frames_skipped: u64,
    /// Frames of silence put into it.
    pub frames_repeated: u64,
    /// Packet times without audio, because silence is left out on this line.
    pub slots_suppressed: u64,
    /// Packet times that passed without a packet, because the machine was late.
    pub slots_missed: u64,
}

/// How one direction sounds, by the E-model (ITU-T G.107).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallQuality {
    /// The rating R, 0 to 100.
    pub r_factor: f64,
    /// Mean opinion score of listening only, 1 to 5.
    pub mos_listening: f64,
    /// Mean opinion score of the conversation, its delay counted, 1 to 5; null while the round trip is not known.
    pub mos_conversational: Option<f64>,
}

/// Bursts of loss, where at most 15 packets in a row arrive, and the gaps between them (RFC 3611 §4.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossPattern {
    /// Part of the packets within bursts that was lost or late.
    pub burst_density: f64,
    /// Length of the mean burst; nought where there was none.
    pub burst_ms: f64,
    /// Part of the packets outside of bursts that was lost or late.
    pub gap_density: f64,
    /// Length of the mean gap.
    pub gap_ms: f64,
}

/// A time over the call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The least.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// The greatest.
    pub max_ms: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_an_older_record_are_read_and_what_it_lacks_is_not_known() {
        let old = r#"{"codec":"PCMU","packets_received":150,"packets_sent":149,"packets_lost":1,"packets_forwarded":149,"packets_late":0,
            "packets_duplicate":0,"packets_rejected":0,"concealed_ms":20,"filled_ms":0,"timeline_ms":3000,"jitter_ms":0.5,
            "remote_fraction_lost":null,"remote_jitter_ms":1.25,"round_trip_ms":20.5,"agent_dropped_ms":0}"#;
        let read: MediaStatistics = serde_json::from_str(old).unwrap();
        let known = MediaStatistics {
            codec: "PCMU".to_owned(),
            packets_received: 150,
            packets_sent: 149,
            packets_lost: 1,
            packets_forwarded: 149,
            concealed_ms: 20,
            timeline_ms: 3_000,
            jitter_ms: 0.5,
            remote_jitter_ms: Some(1.25),
            round_trip_ms: Some(20.5),
            ..MediaStatistics::default()
        };
        assert_eq!(read, known);
    }

    #[test]
    fn figures_of_a_newer_record_do_not_keep_it_from_being_read() {
        let newer = r#"{"codec":"PCMU","packets_sent":3,"sent_by_pigeon":2}"#;
        assert_eq!(serde_json::from_str::<MediaStatistics>(newer).unwrap().packets_sent, 3);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let spread = Some(Spread { min_ms: 0.125, mean_ms: 1.5, max_ms: 9.0 });
        let quality = Some(CallQuality { r_factor: 93.2, mos_listening: 4.41, mos_conversational: None });
        let written = MediaStatistics { jitter_over_call: spread, quality, remote_packets_lost: Some(-2), ..MediaStatistics::default() };
        let text = serde_json::to_string(&written).unwrap();
        assert!(text.contains(r#""quality":{"r_factor":93.2,"mos_listening":4.41,"mos_conversational":null}"#), "{text}");
        assert_eq!(serde_json::from_str::<MediaStatistics>(&text).unwrap(), written);
    }
}

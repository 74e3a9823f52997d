//! RTCP as collectors of Homer's kind take it: JSON with the names that captagent and heplify give its fields, under protocol type 5. Pure.
//!
//! Left out on purpose: the names of sources, which may say who somebody is.

use media::rtcp::{ReceivedSummary, ReportSummary, SenderSummary, VoipSummary};
use serde_json::{Map, Value, json};

/// The reports of one datagram.
pub(super) fn json(summary: &ReportSummary) -> Vec<u8> {
    let ReportSummary { ssrc, sender, received, voip } = summary;
    let mut told = Map::new();
    if let Some(sender) = sender {
        told.insert("sender_information".to_owned(), of_sender(sender));
    }
    told.insert("ssrc".to_owned(), ssrc.0.into());
    let kind = match (sender, received.is_empty() && voip.is_some()) {
        (Some(_), _) => SENDER_REPORT,
        (None, false) => RECEIVER_REPORT,
        (None, true) => EXTENDED_REPORT,
    };
    told.insert("type".to_owned(), kind.into());
    told.insert("report_count".to_owned(), received.len().into());
    told.insert("report_blocks".to_owned(), received.iter().map(of_receiver).collect());
    if let Some(voip) = voip {
        told.insert("report_blocks_xr".to_owned(), of_voip(voip));
    }
    Value::Object(told).to_string().into_bytes()
}

fn of_sender(SenderSummary { ntp, rtp, packets, octets }: &SenderSummary) -> Value {
    // What is called microseconds there are units of 2⁻³² s, as on the wire.
    let (seconds, fraction) = (ntp >> 32, ntp & 0xffff_ffff);
    json!({ "ntp_timestamp_sec": seconds, "ntp_timestamp_usec": fraction, "rtp_timestamp": rtp.0, "packets": packets, "octets": octets })
}

fn of_receiver(block: &ReceivedSummary) -> Value {
    json!({
        "source_ssrc": block.ssrc.0,
        "fraction_lost": block.fraction_lost,
        // A count that is never less than nought there.
        "packets_lost": block.lost.max(0),
        "highest_seq_no": block.highest,
        "ia_jitter": block.jitter,
        "lsr": block.last_sender_report,
        "dlsr": block.delay,
    })
}

fn of_voip(voip: &VoipSummary) -> Value {
    json!({
        "type": VOIP_METRICS,
        "id": voip.ssrc.0,
        "fraction_lost": voip.loss_rate,
        "fraction_discard": voip.discard_rate,
        "burst_density": voip.burst_density,
        "gap_density": voip.gap_density,
        "burst_duration": voip.burst_duration,
        "gap_duration": voip.gap_duration,
        "round_trip_delay": voip.round_trip_delay,
        "end_system_delay": voip.end_system_delay,
    })
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const EXTENDED_REPORT: u8 = 207;
/// The block type of RFC 3611 §4.7.
const VOIP_METRICS: u8 = 7;

#[cfg(test)]
mod tests {
    use media::units::{RtpTimestamp, Ssrc};

    use super::*;

    #[test]
    fn each_field_has_its_name_and_what_is_not_there_is_left_out() {
        let block =
            ReceivedSummary { ssrc: Ssrc(9), fraction_lost: 64, lost: -2, highest: 70_000, jitter: 80, last_sender_report: 5, delay: 6 };
        let sender = SenderSummary { ntp: 3 << 32 | 4, rtp: RtpTimestamp(8), packets: 3, octets: 480 };
        let told = |summary: &ReportSummary| serde_json::from_slice::<Value>(&json(summary)).unwrap();
        let full = told(&ReportSummary { ssrc: Ssrc(1), sender: Some(sender), received: vec![block], voip: None });
        let expected = json!({
            "sender_information": { "ntp_timestamp_sec": 3, "ntp_timestamp_usec": 4, "rtp_timestamp": 8, "packets": 3, "octets": 480 },
            "ssrc": 1, "type": 200, "report_count": 1,
            "report_blocks": [{ "source_ssrc": 9, "fraction_lost": 64, "packets_lost": 0, "highest_seq_no": 70_000, "ia_jitter": 80, "lsr": 5, "dlsr": 6 }],
        });
        assert_eq!(full, expected);
        let voip = VoipSummary {
            ssrc: Ssrc(9),
            loss_rate: 1,
            discard_rate: 2,
            burst_density: 3,
            gap_density: 4,
            burst_duration: 5,
            gap_duration: 6,
            round_trip_delay: 7,
            end_system_delay: 8,
        };
        let extended = told(&ReportSummary { ssrc: Ssrc(1), sender: None, received: vec![], voip: Some(voip) });
        assert_eq!((&extended["type"], &extended["report_blocks_xr"]["round_trip_delay"]), (&json!(207), &json!(7)));
        assert_eq!(extended.get("sender_information"), None);
    }
}

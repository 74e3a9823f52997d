//! The table: every metric with its kind, its buckets and what it says.

use metrics::{KeyName, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

/// One metric.
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) text: &'static str,
}

/// What it does over time.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram(&'static [f64]),
}

impl Metric {
    /// Tells a recorder its kind and text.
    pub(super) fn describe(&self, recorder: &PrometheusRecorder) {
        let name = KeyName::from_const_str(self.name);
        match self.kind {
            Kind::Counter => recorder.describe_counter(name, None, self.text.into()),
            Kind::Gauge => recorder.describe_gauge(name, None, self.text.into()),
            Kind::Histogram(_) => recorder.describe_histogram(name, None, self.text.into()),
        }
    }
}

pub(super) const CALLS_ACTIVE: &str = "auricle_call_active_calls";
pub(super) const CALLS_STARTED: &str = "auricle_call_started_total";
pub(super) const CALLS_ENDED: &str = "auricle_call_ended_total";
pub(super) const CALLS_REFUSED: &str = "auricle_call_refused_total";
pub(super) const SIP_UNHEARD: &str = "auricle_sip_unheard_total";
pub(super) const WEBRTC_UNHEARD: &str = "auricle_webrtc_unheard_total";
pub(super) const SIP_LADDERS_DROPPED: &str = "auricle_sip_ladders_dropped_total";
pub(super) const HEP_DROPPED: &str = "auricle_hep_packets_dropped_total";
pub(super) const TOLL_ALARMS: &str = "auricle_toll_alarms_total";
pub(super) const TRUNK_CALLS: &str = "auricle_trunk_active_calls";
pub(super) const TRUNK_REGISTERED: &str = "auricle_trunk_is_registered";
pub(super) const TRUNK_UP: &str = "auricle_trunk_is_up";
pub(super) const CALL_SETUP: &str = "auricle_call_setup_ms";
pub(super) const TURN_LATENCY: &str = "auricle_call_turn_latency_ms";
pub(super) const FIRST_AUDIO: &str = "auricle_agent_first_audio_ms";
pub(super) const AGENT_FAULTS: &str = "auricle_agent_faults_total";
pub(super) const AGENT_AVAILABLE: &str = "auricle_agent_is_available";
pub(super) const AGENT_FAILURES: &str = "auricle_agent_failures_total";
pub(super) const AGENT_PASSES: &str = "auricle_agent_passes_total";
pub(super) const PACKETS_LOST: &str = "auricle_media_packets_lost_total";
pub(super) const PACKETS_LATE: &str = "auricle_media_packets_late_total";
pub(super) const JITTER: &str = "auricle_media_jitter_ms";
pub(super) const ROUND_TRIP: &str = "auricle_media_round_trip_ms";
pub(super) const RECEIVED_MOS: &str = "auricle_media_received_mos";
pub(super) const SENT_MOS: &str = "auricle_media_sent_mos";
pub(super) const SEND_LATENESS: &str = "auricle_media_send_lateness_ms";
pub(super) const SNAPSHOTS_DROPPED: &str = "auricle_store_snapshots_dropped_total";
pub(super) const WEBHOOK_DELIVERIES: &str = "auricle_webhook_deliveries_total";
pub(super) const STORE_DURATION: &str = "auricle_store_operation_duration_ms";
pub(super) const API_REQUESTS: &str = "auricle_api_requests_total";
pub(super) const API_ERRORS: &str = "auricle_api_errors_total";
pub(super) const API_DURATION: &str = "auricle_api_request_duration_ms";

/// Opinion scores at R 50, 60, 70, 80, 90 (G.107 annex B), and what lies around them.
const OPINIONS: &[f64] = &[1.5, 2.0, 2.58, 3.1, 3.6, 4.03, 4.2, 4.34, 4.5];

/// Buckets are upper bounds, in milliseconds unless the name says otherwise; the bounds that are promised to hold are among them.
pub(super) const TABLE: &[Metric] = &[
    Metric { name: CALLS_ACTIVE, kind: Kind::Gauge, text: "Calls that are up or being set up." },
    Metric { name: TOLL_ALARMS, kind: Kind::Counter, text: "Calls out ran into what guards them against toll fraud, by cause." },
    Metric { name: TRUNK_CALLS, kind: Kind::Gauge, text: "Calls of a trunk, by who dialled; at most 2 s old." },
    Metric { name: TRUNK_REGISTERED, kind: Kind::Gauge, text: "1 while we are registered with a trunk that wants it; at most 2 s old." },
    Metric { name: TRUNK_UP, kind: Kind::Gauge, text: "1 while a trunk's target is there, 0 when it is gone; at most 2 s old." },
    Metric { name: CALLS_STARTED, kind: Kind::Counter, text: "Calls that began, by who dialled." },
    Metric { name: CALLS_REFUSED, kind: Kind::Counter, text: "Calls refused before they began, by reason." },
    Metric { name: CALLS_ENDED, kind: Kind::Counter, text: "Calls that ended, by whose doing (class), where (area) and why (reason)." },
    Metric { name: SIP_UNHEARD, kind: Kind::Counter, text: "Messages and connections of SIP that a limit kept out, by which (limit)." },
    Metric { name: WEBRTC_UNHEARD, kind: Kind::Counter, text: "Datagrams and frames at the ports of web pages that belonged to no call." },
    Metric { name: SIP_LADDERS_DROPPED, kind: Kind::Counter, text: "SIP ladders of calls that were not kept, by why (reason)." },
    Metric { name: HEP_DROPPED, kind: Kind::Counter, text: "Packets for the HEP collector that were not sent." },
    Metric {
        name: CALL_SETUP,
        kind: Kind::Histogram(&[5.0, 20.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 3_000.0, 10_000.0]),
        text: "INVITE to 200.",
    },
    Metric {
        name: TURN_LATENCY,
        kind: Kind::Histogram(&[200.0, 400.0, 600.0, 800.0, 1_000.0, 1_500.0, 2_000.0, 3_000.0, 5_000.0]),
        text: "End of the caller's speech to the first packet of the answer.",
    },
    Metric {
        name: FIRST_AUDIO,
        kind: Kind::Histogram(&[50.0, 100.0, 200.0, 400.0, 800.0, 1_600.0, 3_200.0]),
        text: "The agent being ready to its first audio.",
    },
    Metric { name: AGENT_AVAILABLE, kind: Kind::Gauge, text: "0 while the circuit breaker keeps calls from dialling an agent." },
    Metric { name: AGENT_FAILURES, kind: Kind::Counter, text: "Connections to an agent that could not be had, or failed their call." },
    Metric { name: AGENT_PASSES, kind: Kind::Counter, text: "Conversations that passed to a connection of an agent, by why (cause)." },
    Metric { name: AGENT_FAULTS, kind: Kind::Counter, text: "Faults of agents, by what they mean (class)." },
    Metric { name: PACKETS_LOST, kind: Kind::Counter, text: "RTP packets that never came, of calls that ended." },
    Metric {
        name: PACKETS_LATE,
        kind: Kind::Counter,
        text: "RTP packets that came after their time had been filled, of calls that ended.",
    },
    Metric {
        name: JITTER,
        kind: Kind::Histogram(&[1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0]),
        text: "Mean interarrival jitter of what came, of calls that ended.",
    },
    Metric {
        name: ROUND_TRIP,
        kind: Kind::Histogram(&[5.0, 20.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 600.0, 1_000.0]),
        text: "Mean round trip by RTCP, of calls that ended.",
    },
    Metric {
        name: RECEIVED_MOS,
        kind: Kind::Histogram(OPINIONS),
        text: "Listening quality (MOS, ITU-T G.107) of what came, of calls that ended.",
    },
    Metric {
        name: SENT_MOS,
        kind: Kind::Histogram(OPINIONS),
        text: "Listening quality (MOS, ITU-T G.107) of what was sent, as the far end tells or its losses do, of calls that ended.",
    },
    Metric {
        name: SEND_LATENESS,
        kind: Kind::Histogram(&[0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]),
        text: "How long after its slot an RTP packet went.",
    },
    Metric { name: SNAPSHOTS_DROPPED, kind: Kind::Counter, text: "Interim snapshots of calls dropped before a full store queue." },
    Metric {
        name: WEBHOOK_DELIVERIES,
        kind: Kind::Counter,
        text: "Deliveries of webhooks and attempts at them, by what they came to (outcome).",
    },
    Metric {
        name: STORE_DURATION,
        kind: Kind::Histogram(&[0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 200.0, 1_000.0]),
        text: "A question to the store or a write (operation), its queue included.",
    },
    Metric { name: API_REQUESTS, kind: Kind::Counter, text: "HTTP requests answered, by method, route and status." },
    Metric { name: API_ERRORS, kind: Kind::Counter, text: "HTTP requests that were refused or failed, by code and severity." },
    Metric {
        name: API_DURATION,
        kind: Kind::Histogram(&[1.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0]),
        text: "HTTP request to its answer.",
    },
];

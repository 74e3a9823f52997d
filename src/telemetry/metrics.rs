//! What is counted and measured, and a handle to record it.
//!
//! Names are `auricle_<area>_<noun>_<unit>`; a counter ends in `_total`. Handles are made once, so recording is an
//! atomic addition. The histograms keep what was recorded until somebody folds it: run [`Metrics::upkeep`].

mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use self::table::{
    AGENT_AVAILABLE, AGENT_FAILURES, AGENT_FAULTS, AGENT_PASSES, API_DURATION, API_ERRORS, API_REQUESTS, CALL_SETUP, CALLS_ACTIVE,
    CALLS_ENDED, CALLS_REFUSED, CALLS_STARTED, FIRST_AUDIO, HEP_DROPPED, JITTER, Kind, Metric, PACKETS_LATE, PACKETS_LOST, RECEIVED_MOS,
    ROUND_TRIP, SEND_LATENESS, SENT_MOS, SIP_LADDERS_DROPPED, SIP_UNHEARD, SNAPSHOTS_DROPPED, STORE_DURATION, TABLE, TOLL_ALARMS,
    TRUNK_CALLS, TRUNK_REGISTERED, TRUNK_UP, TURN_LATENCY, WEBHOOK_DELIVERIES, WEBRTC_UNHEARD,
};
use crate::domain::call_record::{Direction, MediaStatistics};
use crate::domain::termination::Termination;

/// Everything that is counted and measured; clones share it.
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    calls_active: Gauge,
    calls_inbound: Counter,
    calls_outbound: Counter,
    setup: Histogram,
    turn_latency: Histogram,
    first_audio: Histogram,
    webrtc_unheard: Counter,
    packets_lost: Counter,
    packets_late: Counter,
    jitter: Histogram,
    round_trip: Histogram,
    received_mos: Histogram,
    sent_mos: Histogram,
    send_lateness: Histogram,
    api_duration: Histogram,
    store_get: Histogram,
    store_find: Histogram,
    store_write: Histogram,
}

/// What a store is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreOperation {
    /// To give one document.
    Get,
    /// To find documents.
    Find,
    /// To write some.
    Write,
}

impl Metrics {
    /// A fresh set, all at zero.
    #[must_use]
    pub fn new() -> Self {
        let buckets = |builder: PrometheusBuilder, metric: &Metric| match metric.kind {
            Kind::Histogram(bounds) => builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds),
            Kind::Counter | Kind::Gauge => Ok(builder),
        };
        // Refused only for an empty list of bounds; then the histogram is rendered as a summary.
        let builder = TABLE.iter().try_fold(PrometheusBuilder::new(), buckets).unwrap_or_default();
        let recorder = builder.build_recorder();
        TABLE.iter().for_each(|metric| metric.describe(&recorder));
        let store = |operation: &'static str| {
            recorder.register_histogram(&Key::from_parts(STORE_DURATION, vec![Label::from_static_parts("operation", operation)]), &METADATA)
        };
        let (store_get, store_find, store_write) = (store("get"), store("find"), store("write"));
        let shared = Shared {
            handle: recorder.handle(),
            calls_active: recorder.register_gauge(&Key::from_static_name(CALLS_ACTIVE), &METADATA),
            calls_inbound: recorder.register_counter(&Key::from_parts(CALLS_STARTED, &[("direction", "inbound")]), &METADATA),
            calls_outbound: recorder.register_counter(&Key::from_parts(CALLS_STARTED, &[("direction", "outbound")]), &METADATA),
            setup: recorder.register_histogram(&Key::from_static_name(CALL_SETUP), &METADATA),
            turn_latency: recorder.register_histogram(&Key::from_static_name(TURN_LATENCY), &METADATA),
            first_audio: recorder.register_histogram(&Key::from_static_name(FIRST_AUDIO), &METADATA),
            webrtc_unheard: recorder.register_counter(&Key::from_static_name(WEBRTC_UNHEARD), &METADATA),
            packets_lost: recorder.register_counter(&Key::from_static_name(PACKETS_LOST), &METADATA),
            packets_late: recorder.register_counter(&Key::from_static_name(PACKETS_LATE), &METADATA),
            jitter: recorder.register_histogram(&Key::from_static_name(JITTER), &METADATA),
            round_trip: recorder.register_histogram(&Key::from_static_name(ROUND_TRIP), &METADATA),
            received_mos: recorder.register_histogram(&Key::from_static_name(RECEIVED_MOS), &METADATA),
            sent_mos: recorder.register_histogram(&Key::from_static_name(SENT_MOS), &METADATA),
            send_lateness: recorder.register_histogram(&Key::from_static_name(SEND_LATENESS), &METADATA),
            api_duration: recorder.register_histogram(&Key::from_static_name(API_DURATION), &METADATA),
            store_get,
            store_find,
            store_write,
            recorder,
        };
        Self { shared: Arc::new(shared) }
    }

    /// A call began.
    pub fn call_started(&self, direction: Direction) {
        self.shared.calls_active.increment(1.0);
        match direction {
            Direction::Inbound => self.shared.calls_inbound.increment(1),
            Direction::Outbound => self.shared.calls_outbound.increment(1),
        }
    }

    /// A call was refused before it began; `reason` is one of a closed list.
    pub fn call_refused(&self, reason: &'static str) {
        self.count(CALLS_REFUSED, vec![Label::from_static_parts("reason", reason)]);
    }

    /// A datagram at the port of web pages belonged to no call, or to one that did not take it in time.
    pub fn webrtc_unheard(&self) {
        self.shared.webrtc_unheard.increment(1);
    }

    /// A message or connection of SIP was kept out; `limit` is one of a closed list.
    pub fn sip_unheard(&self, limit: &'static str) {
        self.count(SIP_UNHEARD, vec![Label::from_static_parts("limit", limit)]);
    }

    /// The SIP ladder of a call is not kept; `reason` is one of a closed list.
    pub fn sip_ladder_dropped(&self, reason: &'static str) {
        self.count(SIP_LADDERS_DROPPED, vec![Label::from_static_parts("reason", reason)]);
    }

    /// A packet for the HEP collector was not sent.
    pub fn hep_dropped(&self) {
        self.count(HEP_DROPPED, Vec::new());
    }

    /// A call that began is over.
    pub fn call_ended(&self, termination: Termination) {
        self.shared.calls_active.decrement(1.0);
        let labels = match serde_json::to_value(termination) {
            Ok(serde_json::Value::Object(parts)) => parts,
            _ => serde_json::Map::new(),
        };
        let labels = labels.into_iter().map(|(key, value)| Label::new(key, value.as_str().unwrap_or_default().to_owned()));
        self.count(CALLS_ENDED, labels.collect());
    }

    /// From INVITE to 200.
    pub fn call_set_up(&self, took: Duration) {
        self.shared.setup.record(ms(took));
    }

    /// From the end of the caller's speech to the first packet of the answer.
    pub fn turn_answered(&self, latency: Duration) {
        self.shared.turn_latency.record(ms(latency));
    }

    /// From the agent being ready to its first audio.
    pub fn agent_first_audio(&self, took: Duration) {
        self.shared.first_audio.record(ms(took));
    }

    /// How the audio of a call that ended had fared; what was not known of it is not counted.
    pub fn media_ended(&self, media: &MediaStatistics) {
        let shared = &self.shared;
        shared.packets_lost.increment(media.packets_lost);
        shared.packets_late.increment(media.packets_late);
        let figures = [
            (&shared.jitter, media.jitter_over_call.map(|jitter| jitter.mean_ms)),
            (&shared.round_trip, media.round_trip_over_call.map(|trip| trip.mean_ms)),
            (&shared.received_mos, media.quality.map(|quality| quality.mos_listening)),
            (&shared.sent_mos, media.remote_quality.map(|quality| quality.mos_listening)),
        ];
        for (histogram, figure) in figures {
            figure.into_iter().for_each(|figure| histogram.record(figure));
        }
    }

    /// How long after its slot a packet went.
    pub fn packet_sent(&self, late_by: Duration) {
        self.shared.send_lateness.record(ms(late_by));
    }

    /// An agent failed; `class` is one of a closed list.
    pub fn agent_fault(&self, class: &'static str) {
        self.count(AGENT_FAULTS, vec![Label::from_static_parts("class", class)]);
    }

    /// An agent became ready in a call, or failed it; `available`: it is dialled when it is its turn.
    pub fn agent_fared(&self, agent: &str, well: bool, available: bool) {
        let named = || Label::new("agent", agent.to_owned());
        self.shared
            .recorder
            .register_gauge(&Key::from_parts(AGENT_AVAILABLE, vec![named()]), &METADATA)
            .set(f64::from(u8::from(available)));
        if !well {
            self.count(AGENT_FAILURES, vec![named()]);
        }
    }

    /// The conversation of a call passes to another connection, of `agent`; `cause` is one of a closed list.
    pub fn agent_passed(&self, agent: &str, cause: &'static str) {
        self.count(AGENT_PASSES, vec![Label::new("agent", agent.to_owned()), Label::from_static_parts("cause", cause)]);
    }

    /// Snapshots of calls that were not written, since the queue to the store was full.
    pub fn snapshots_dropped(&self, count: u64) {
        self.shared.recorder.register_counter(&Key::from_static_name(SNAPSHOTS_DROPPED), &METADATA).increment(count);
    }

    /// A webhook's delivery came to `outcome`, one of a closed list: delivered, failed (to be tried again), dead, dropped,
    /// or missed, when it was never written down.
    pub fn webhook_delivery(&self, outcome: &'static str) {
        self.count(WEBHOOK_DELIVERIES, vec![Label::from_static_parts("outcome", outcome)]);
    }

    /// A request was answered. `method` and `route` come from closed lists, never from the request's own text.
    pub fn api_request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = vec![
            Label::from_static_parts("method", method),
            Label::new("route", route.to_owned()),
            Label::new("status", status.to_string()),
        ];
        self.count(API_REQUESTS, labels);
        self.shared.api_duration.record(ms(took));
    }

    /// A request was refused or failed. `code` and `severity` come from closed lists.
    pub fn api_error(&self, code: &'static str, severity: &'static str) {
        self.count(API_ERRORS, vec![Label::from_static_parts("code", code), Label::from_static_parts("severity", severity)]);
    }

    /// Calls out ran into what guards them; `cause` is one of a closed list.
    pub fn toll_alarm(&self, cause: &'static str) {
        self.count(TOLL_ALARMS, vec![Label::from_static_parts("cause", cause)]);
    }

    /// How a trunk stands: whether it is there, whether we are registered with it, and its calls. What does not apply is not shown.
    pub fn trunk(&self, trunk: &str, up: Option<bool>, registered: Option<bool>, calls: [(&'static str, u32); 2]) {
        let named = || Label::new("trunk", trunk.to_owned());
        let set = |name: &'static str, labels: Vec<Label>, value: f64| {
            self.shared.recorder.register_gauge(&Key::from_parts(name, labels), &METADATA).set(value);
        };
        let known = [(TRUNK_UP, up), (TRUNK_REGISTERED, registered)];
        for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            set(name, vec![named()], f64::from(u8::from(value)));
        }
        for (direction, count) in calls {
            set(TRUNK_CALLS, vec![named(), Label::from_static_parts("direction", direction)], f64::from(count));
        }
    }

    /// A trunk is no more: what was told of it is nobody's knowledge any more.
    pub fn trunk_gone(&self, trunk: &str) {
        let named = || Label::new("trunk", trunk.to_owned());
        let forget = |name: &'static str, labels: Vec<Label>| {
            self.shared.recorder.register_gauge(&Key::from_parts(name, labels), &METADATA).set(f64::NAN);
        };
        forget(TRUNK_UP, vec![named()]);
        forget(TRUNK_REGISTERED, vec![named()]);
        for direction in ["inbound", "outbound"] {
            forget(TRUNK_CALLS, vec![named(), Label::from_static_parts("direction", direction)]);
        }
    }

    /// The store did what it was asked, or refused.
    pub fn store_operation(&self, operation: StoreOperation, took: Duration) {
        let histogram = match operation {
            StoreOperation::Get => &self.shared.store_get,
            StoreOperation::Find => &self.shared.store_find,
            StoreOperation::Write => &self.shared.store_write,
        };
        histogram.record(ms(took));
    }

    /// Everything in Prometheus' text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.shared.handle.render()
    }

    /// Folds what the histograms gathered, every few seconds and for ever; run it on a control thread.
    pub async fn upkeep(self) {
        let mut beat = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            beat.tick().await;
            self.shared.handle.run_upkeep();
        }
    }

    fn count(&self, name: &'static str, labels: Vec<Label>) {
        self.shared.recorder.register_counter(&Key::from_parts(name, labels), &METADATA).increment(1);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

static METADATA: Metadata<'static> = Metadata::new("auricle", Level::INFO, None);
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media_statistics::CallQuality;
    use crate::domain::termination::GatewayReason;

    #[test]
    fn what_is_recorded_is_rendered_under_the_names_of_the_table() {
        let metrics = Metrics::new();
        metrics.call_started(Direction::Inbound);
        metrics.call_started(Direction::Outbound);
        metrics.call_ended(Termination::gateway(GatewayReason::Interrupted));
        let quality = Some(CallQuality { r_factor: 80.0, mos_listening: 4.02, mos_conversational: None });
        metrics.media_ended(&MediaStatistics { packets_lost: 3, packets_late: 4, quality, ..MediaStatistics::default() });
        metrics.packet_sent(Duration::from_micros(300));
        metrics.agent_fault("limited");
        metrics.call_refused("capacity");
        metrics.api_request("GET", "/v1/calls", 200, Duration::from_millis(3));
        let text = metrics.render();
        for line in [
            "auricle_call_active_calls 1",
            "auricle_call_started_total{direction=\"inbound\"} 1",
            "auricle_call_ended_total{class=\"us\",area=\"gateway\",reason=\"interrupted\"} 1",
            "auricle_media_packets_lost_total 3",
            "auricle_media_packets_late_total 4",
            "auricle_media_received_mos_bucket{le=\"3.6\"} 0",
            "auricle_media_received_mos_bucket{le=\"4.03\"} 1",
            "auricle_media_send_lateness_ms_bucket{le=\"0.5\"} 1",
            "auricle_media_send_lateness_ms_bucket{le=\"0.25\"} 0",
            "auricle_call_refused_total{reason=\"capacity\"} 1",
            "auricle_agent_faults_total{class=\"limited\"} 1",
            "auricle_api_requests_total{method=\"GET\",route=\"/v1/calls\",status=\"200\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn every_name_follows_the_rule() {
        for Metric { name, kind, text } in TABLE {
            let words: Vec<_> = name.split('_').collect();
            assert!(words.len() >= 4 && words[0] == "auricle" && !text.is_empty(), "{name}");
            assert_eq!(matches!(kind, Kind::Counter), words.last() == Some(&"total"), "{name}");
        }
    }

    #[test]
    fn two_sets_do_not_mix() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.media_ended(&MediaStatistics { packets_lost: 1, ..MediaStatistics::default() });
        assert!(other.render().contains("auricle_media_packets_lost_total 0"));
    }
}

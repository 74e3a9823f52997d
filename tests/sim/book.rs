//! What is written down of one call while it runs, and what must be true of it in the end whatever happened.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use auricle::domain::audit_event::AuditEvent;
use auricle::domain::call_record::{CallRecord, CallStatus};
use auricle::domain::event::{Event, EventKind};
use auricle::domain::termination::{GatewayReason, Termination};
use auricle::domain::timeline::Moment;
use media::ingress::IngressStats;
use media::rtp::{RtpOrRtcp, RtpPacket, demux};
use media::units::PayloadType;

use crate::agent::{APPEND, samples};
use crate::ear::Ear;

#[derive(Default)]
pub(crate) struct Book {
    /// Datagrams handed to the leg.
    pub(crate) datagrams: u64,
    /// What went out as RTP.
    pub(crate) spoken: Ear,
    packets: u64,
    last_packet: Option<Instant>,
    /// Between two packets to the caller.
    pub(crate) longest_gap: Duration,
    /// Of each utterance whose audio came: how much had gone out when the agent was last cleared.
    voices: BTreeMap<u8, Option<u64>>,
    /// Samples kept for the agent before it was ready, on this connection.
    kept: u64,
    pub(crate) connections: u32,
    /// The first utterance is one that nobody interrupts.
    protects_first: bool,
    /// What the audit log was to say.
    pub(crate) audited: Vec<AuditEvent>,
    ends: u32,
    pub(crate) closed: Option<Closed>,
}

/// A call that is over.
pub(crate) struct Closed {
    pub(crate) at: Instant,
    pub(crate) record: CallRecord,
    pub(crate) ingress: Option<IngressStats>,
}

impl Book {
    pub(crate) fn protecting_first(protects_first: bool) -> Self {
        Self { protects_first, ..Self::default() }
    }

    pub(crate) const fn begin_connection(&mut self) {
        self.connections += 1;
        self.kept = 0;
    }

    /// A message of the agent is about to be handed in.
    pub(crate) fn note_text(&mut self, text: &str, voice: Option<u8>) {
        if let Some(voice) = voice {
            self.voices.entry(voice).or_default();
        }
        if text.contains("speech_started") {
            for (voice, cleared) in &mut self.voices {
                cleared.get_or_insert(self.spoken.samples(*voice));
            }
        }
    }

    /// A message for the agent came out.
    pub(crate) fn note_sent(&mut self, text: &str, live: Option<Duration>) {
        let Some(audio) = text.strip_prefix(APPEND).and_then(|rest| rest.strip_suffix("\"}")) else { return };
        if live.is_none() {
            self.kept += samples(audio);
            assert!(self.kept <= 5 * 8_000, "more than 5 s kept for the agent");
        }
    }

    pub(crate) fn note_datagram(&mut self, now: Instant, datagram: &[u8]) {
        if demux(datagram) == Some(RtpOrRtcp::Rtp) {
            self.packets += 1;
            self.longest_gap = self.longest_gap.max(self.last_packet.map_or(Duration::ZERO, |last| now - last));
            self.last_packet = Some(now);
            let packet = RtpPacket::parse(datagram).expect("we send RTP");
            if packet.header.payload_type == PayloadType::PCMU {
                self.spoken.hear(packet.payload);
            }
        }
    }

    pub(crate) fn note_interim(&self, record: &CallRecord) {
        assert!(record.termination.is_none() && record.ended_at.is_none(), "an interim record of a call that is over");
    }

    pub(crate) fn note_event(&mut self, event: Event) {
        assert_eq!(self.ends, 0, "{event:?} after the end");
        self.ends += u32::from(matches!(event.kind, EventKind::CallEnded { .. }));
    }

    pub(crate) fn close(&mut self, at: Instant, record: CallRecord, ingress: Option<IngressStats>) {
        self.closed = Some(Closed { at, record, ingress });
    }

    pub(crate) fn closed(&self) -> &Closed {
        self.closed.as_ref().expect("the call is over")
    }

    pub(crate) fn termination(&self) -> Termination {
        self.closed().record.termination.expect("a call that is over says why")
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Moment) -> bool) -> bool {
        self.closed().record.timeline.iter().any(|entry| wanted(&entry.moment))
    }

    /// All that must hold of every call.
    pub(crate) fn check(&self) {
        assert_eq!(self.ends, 1, "ends told to the world");
        self.check_record();
        self.check_audio_in();
        for (voice, cleared) in &self.voices {
            if let Some(cleared) = cleared.filter(|_| !(self.protects_first && *voice == crate::ear::voice(0))) {
                let after = self.spoken.samples(*voice) - cleared;
                assert!(after <= FADE, "{after} samples of a cleared utterance were sent after the clear");
            }
        }
        for voice in self.spoken.voices() {
            assert!(self.voices.contains_key(&voice), "an utterance was heard that was never said");
        }
    }

    fn check_record(&self) {
        let record = &self.closed().record;
        assert_eq!(record.call_status, CallStatus::Completed);
        assert!(record.session_status.is_final());
        assert_ne!(self.termination(), Termination::gateway(GatewayReason::Internal), "a fault of ours");
        let ended = record.ended_at.expect("an end");
        assert!(record.started_at <= record.answered_at.unwrap_or(ended) && record.answered_at.unwrap_or(ended) <= ended);
        let times: Vec<u64> = record.timeline.iter().map(|entry| entry.at_ms).collect();
        assert!(times.is_sorted(), "a timeline out of order: {:?}", record.timeline);
        assert_eq!(record.timeline.first().map(|entry| &entry.moment), Some(&Moment::Invite));
        let ends = record.timeline.iter().filter(|entry| entry.moment == Moment::Ended).count();
        assert_eq!((ends, record.timeline.last().map(|entry| &entry.moment)), (1, Some(&Moment::Ended)));
        assert_eq!(record.media.packets_sent, self.packets);
    }

    /// Every datagram is accounted for, and every sample of the timeline.
    fn check_audio_in(&self) {
        let Closed { record, ingress, .. } = self.closed();
        let Some(stats) = ingress else {
            assert_eq!(self.datagrams, 0);
            return;
        };
        let told = stats.forwarded + stats.comfort_noise + stats.late + stats.duplicate + stats.rejected() + stats.waiting;
        assert_eq!(stats.received, told, "packets: {stats:?}");
        let ticks = stats.forwarded_ticks + stats.concealed_ticks + stats.filled_ticks + stats.muted_ticks;
        assert_eq!(stats.timeline_ticks, ticks, "time: {stats:?}");
        let discarded = record.media.packets_rejected - stats.rejected();
        assert_eq!(self.datagrams, stats.received + discarded, "datagrams");
        assert_eq!(record.media.packets_received, stats.received);
    }
}

/// 5 ms.
const FADE: u64 = 40;

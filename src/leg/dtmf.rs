//! Keys on a leg: sending them, and hearing those that come as tones.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use media::dtmf::Digit;
use media::ingress::Ingress;

use super::keypad::{Keypad, SendDtmfError};
use super::{Leg, LegEvent};

impl Leg {
    /// Presses keys after those that wait: as telephone-events where the far end takes them, as tones otherwise. What the
    /// agent says waits for as long.
    ///
    /// # Errors
    /// When the far end holds, or more would wait than may; nothing is sent then.
    pub fn send_dtmf(&mut self, now: Instant, digits: &[Digit]) -> Result<(), SendDtmfError> {
        if !self.negotiated.send {
            return Err(SendDtmfError::OnHold);
        }
        self.obey_silence(true);
        Ok(self.keypad.dial(now, &mut self.egress, digits)?)
    }

    /// Takes a key that signalling brought, and that may come in the audio, too.
    pub fn take_key(&mut self, now: Instant, digit: Digit, duration: Duration) {
        self.keypad.handle_signalled(now, digit, duration, &mut self.events);
    }

    /// Other rules of keys hold, or the far end sends them in another way.
    pub(super) fn obey_keys(&mut self) {
        self.ingress.set_tones(self.keypad.wants_tones(), self.keypad.hides());
        self.transport.set_telephone_event(self.keypad.receives());
    }

    /// The audio is listened to for keys no longer: one that is down is let go.
    pub(super) fn close_tones(&mut self, now: Instant) {
        self.ingress.close_tones();
        hear_tones(now, &mut self.ingress, &mut self.keypad, &mut self.events);
    }
}

/// Keys that were heard in the audio.
pub(super) fn hear_tones(now: Instant, ingress: &mut Ingress, keypad: &mut Keypad, out: &mut VecDeque<LegEvent>) {
    while let Some((tone, timestamp)) = ingress.poll_tone() {
        keypad.handle_tone(now, tone, timestamp, out);
    }
}

#[cfg(test)]
mod tests {
    use media::codec::Codec;
    use media::codec::g711::encode_ulaw;
    use media::dtmf::{Cadence, Edge, Generator, Levels};
    use media::frame::AudioFormat;
    use media::rtcp::{NtpBase, ReporterConfig};
    use media::rtp::{RtpHeader, RtpPacket, RtpSeed};
    use media::sdp::CodecPolicy;
    use media::transport::{Flow, Protocol};
    use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

    use super::super::plan::{LegPlan, PlannedLeg};
    use super::*;

    /// A far end that sends no telephone-events and holds the 5; the leg, and the time after so many packets of it.
    fn held(packets: u16) -> (PlannedLeg, Instant) {
        let mut now = Instant::now();
        let seed = RtpSeed { ssrc: Ssrc(7), sequence: SequenceNumber(100), timestamp: RtpTimestamp(1_000) };
        let reporter = ReporterConfig::new(seed.ssrc, "test".to_owned(), Codec::Pcmu, NtpBase { at: now, ntp: 0 }, 1);
        let plan = LegPlan::new(CodecPolicy::new(vec![Codec::Pcmu]), OURS.parse().unwrap(), seed, reporter, AudioFormat::Ulaw8k);
        let mut leg = PlannedLeg::answering(now, plan, offer("0", "").as_bytes()).unwrap();
        leg.open(now, now);
        let mut generator = Generator::new(SampleRate::HZ_8000, Levels::default());
        generator.dial(&[Digit::new('5').unwrap()], Cadence::default()).unwrap();
        for n in 0..packets {
            let mut sound = [0; 160];
            generator.fill(&mut sound);
            let header = RtpHeader {
                payload_type: PayloadType::PCMU,
                sequence: SequenceNumber(n),
                timestamp: RtpTimestamp(u32::from(n) * 160),
                ssrc: Ssrc(9),
                marker: n == 0,
            };
            let mut datagram = Vec::new();
            RtpPacket { header, payload: &sound.map(encode_ulaw) }.write(&mut datagram);
            let flow = Flow { protocol: Protocol::Udp, local: OURS.parse().unwrap(), remote: THEIRS.parse().unwrap() };
            assert!(leg.agreed().unwrap().handle_datagram(now, flow, &datagram));
            now += Duration::from_millis(20);
        }
        (leg, now)
    }

    fn offer(formats: &str, lines: &str) -> String {
        format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 50000 RTP/AVP {formats}\r\n{lines}")
    }

    fn keys(leg: &mut PlannedLeg) -> String {
        let leg = leg.agreed().unwrap();
        let events = std::iter::from_fn(|| leg.poll_event());
        let edge = |event| match event {
            LegEvent::Digit(event) if event.edge == Edge::Began => Some(event.digit.key()),
            LegEvent::Digit(_) => Some('-'),
            _ => None,
        };
        events.filter_map(edge).collect()
    }

    #[test]
    fn a_key_that_sounds_when_the_call_ends_is_let_go() {
        let (mut leg, now) = held(4);
        assert_eq!(keys(&mut leg), "5");
        leg.agreed().unwrap().close(now);
        assert_eq!(keys(&mut leg), "-");
        leg.agreed().unwrap().close(now);
        assert_eq!(keys(&mut leg), "", "once");
    }

    #[test]
    fn a_key_that_sounds_when_telephone_events_are_agreed_on_is_let_go() {
        let (mut leg, now) = held(4);
        assert_eq!(keys(&mut leg), "5");
        assert!(leg.take_reoffer(now, offer("0 101", "a=rtpmap:101 telephone-event/8000\r\n").as_bytes()).is_some());
        assert_eq!(keys(&mut leg), "-");
    }

    const OURS: &str = "127.0.0.1:40000";
    const THEIRS: &str = "127.0.0.1:50000";
}

//! A leg whose far end gives back what it plays, through what happens to a call: the echo stays away.

use std::collections::VecDeque;

use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings, rms_dbfs};
use media::enhancement::Enhancement;
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtcp::{NtpBase, ReporterConfig};
use media::rtp::{RtpHeader, RtpPacket, RtpSeed};
use media::sdp::CodecPolicy;
use media::transport::{Flow, Protocol};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

use super::plan::{LegPlan, PlannedLeg};
use super::*;

/// A telephone that says nothing, and whose speaker is heard by its microphone 60 ms later and 20 dB weaker.
struct Telephone {
    leg: PlannedLeg,
    now: Instant,
    codec: Codec,
    payload_type: PayloadType,
    decoder: Decoder,
    encoder: Encoder,
    room: VecDeque<i16>,
    header: RtpHeader,
    noise: u32,
}

impl Telephone {
    fn new() -> Self {
        let now = Instant::now();
        let seed = RtpSeed { ssrc: Ssrc(7), sequence: SequenceNumber(100), timestamp: RtpTimestamp(1_000) };
        let reporter = ReporterConfig::new(seed.ssrc, "test".to_owned(), Codec::Pcmu, NtpBase { at: now, ntp: 0 }, 1);
        let codecs = CodecPolicy::new(vec![Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus]);
        let format = AudioFormat::S16 { rate: SampleRate::HZ_16000 };
        let plan = LegPlan {
            enhancement: Enhancement { echo_cancellation: true, ..Enhancement::default() },
            ..LegPlan::new(codecs, OURS.parse().unwrap(), seed, reporter, format)
        };
        let mut leg = PlannedLeg::answering(now, plan, offer("0", "sendrecv").as_bytes()).unwrap();
        leg.open(now, now);
        let (decoder, encoder) = coders(Codec::Pcmu);
        let header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(1),
            timestamp: RtpTimestamp(1),
            ssrc: Ssrc(9),
            marker: false,
        };
        Self { leg, now, codec: Codec::Pcmu, payload_type: PayloadType::PCMU, decoder, encoder, room: VecDeque::new(), header, noise: 1 }
    }

    /// Offers this anew.
    fn offer(&mut self, codec: Codec, payload_type: u8, media: &str, direction: &str) {
        assert!(self.leg.take_reoffer(self.now, offer(media, direction).as_bytes()).is_some());
        assert_eq!(self.leg.agreed().unwrap().negotiated().codec, codec);
        if codec != self.codec {
            (self.codec, self.payload_type) = (codec, PayloadType::new(payload_type).unwrap());
            (self.decoder, self.encoder) = coders(codec);
            self.header.ssrc = Ssrc(self.header.ssrc.0 + 1);
            self.room.clear();
        }
    }

    /// Seconds go by in which the agent speaks; how loud the last of them was at the telephone's microphone, and for the agent.
    fn hear(&mut self, seconds: usize) -> (f64, f64) {
        let (mut came, mut heard) = (Vec::new(), Vec::new());
        let rate = self.decoder.rate();
        for slot in 0..seconds * 50 {
            self.speak(slot);
            self.now += Duration::from_millis(20);
            let now = self.now;
            let leg = self.leg.agreed().unwrap();
            leg.handle_timeout(now);
            let mut played = Vec::new();
            while let Some(transmit) = leg.poll_transmit() {
                if transmit.flow.local == OURS.parse::<std::net::SocketAddr>().unwrap() {
                    let packet = RtpPacket::parse(transmit.bytes).unwrap();
                    self.decoder.decode(packet.payload, &mut played).unwrap();
                }
            }
            let length = rate.samples(Duration::from_millis(20)) as usize;
            played.resize(length, 0);
            self.room.resize(self.room.len().max(3 * length), 0);
            self.room.extend(played);
            let echo: Vec<i16> = self.room.drain(..length).map(|sample| sample / 10).collect();
            let mut payload = Vec::new();
            self.encoder.encode(&echo, &mut payload).unwrap();
            self.send(&payload);
            let leg = self.leg.agreed().unwrap();
            let mut agent = Vec::new();
            while let Some(chunk) = leg.poll_audio() {
                agent.extend(chunk.bytes.as_chunks::<2>().0.iter().map(|sample| i16::from_le_bytes(*sample)));
            }
            if slot >= (seconds - 1) * 50 {
                came.extend(echo);
                heard.extend(agent);
            }
        }
        (rms_dbfs(&came).into(), rms_dbfs(&heard).into())
    }

    /// 20 ms of something like speech: noise of a low pitch that comes in syllables.
    fn speak(&mut self, slot: usize) {
        let loud = if slot % 15 < 11 { 6_000.0 } else { 300.0 };
        let mut last = 0.0;
        let bytes: Vec<u8> = (0..320)
            .flat_map(|_| {
                self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                last = 0.7 * last + 0.3 * (f64::from(self.noise >> 16) / 32_768.0 - 1.0);
                ((loud * last) as i16).to_le_bytes()
            })
            .collect();
        let chunk = AudioChunk { format: AudioFormat::S16 { rate: SampleRate::HZ_16000 }, bytes: &bytes };
        // While the far end is on hold it waits, and the bound of the queue is far away.
        self.leg.agreed().unwrap().push(self.now, ItemId(1), chunk).unwrap();
    }

    fn send(&mut self, payload: &[u8]) {
        self.header.payload_type = self.payload_type;
        self.header.sequence = self.header.sequence.next();
        self.header.timestamp = self.header.timestamp.advance(self.codec.clock_rate().0 / 50);
        let mut datagram = Vec::new();
        RtpPacket { header: self.header, payload }.write(&mut datagram);
        let flow = Flow { protocol: Protocol::Udp, local: OURS.parse().unwrap(), remote: "127.0.0.1:50000".parse().unwrap() };
        self.leg.agreed().unwrap().handle_datagram(self.now, flow, &datagram);
    }
}

fn coders(codec: Codec) -> (Decoder, Encoder) {
    let rate = SampleRate::HZ_16000;
    let config = EncoderConfig { codec, wanted: rate, ptime: Duration::from_millis(20), opus: OpusSettings::default() };
    (Decoder::new(codec, rate).unwrap(), Encoder::new(config).unwrap())
}

fn offer(media: &str, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 50000 RTP/AVP {media}\r\na={direction}\r\n\
         a=rtpmap:96 opus/48000/2\r\n"
    )
}

#[test]
fn the_echo_stays_away_through_hold_reinvite_and_other_codecs() {
    let mut telephone = Telephone::new();
    let expect_away = |(came, heard): (f64, f64), when: &str| {
        assert!(came > -50.0, "{when}: the telephone gives back {came:.1} dBFS");
        assert!(heard < came - 12.0, "{when}: {heard:.1} of {came:.1} dBFS are heard by the agent");
    };
    expect_away(telephone.hear(8), "at first");
    let now = telephone.now;
    assert!(telephone.leg.agreed().unwrap().hold(now, true));
    telephone.hear(3);
    let now = telephone.now;
    assert!(telephone.leg.agreed().unwrap().hold(now, false));
    expect_away(telephone.hear(4), "after our hold");
    telephone.offer(Codec::Pcmu, 0, "0", "sendonly");
    telephone.hear(3);
    telephone.offer(Codec::Pcmu, 0, "0", "sendrecv");
    expect_away(telephone.hear(4), "after the far end's hold");
    telephone.offer(Codec::Pcma, 8, "8", "sendrecv");
    expect_away(telephone.hear(6), "with another codec of the same clock");
    telephone.offer(Codec::G722, 9, "9", "sendrecv");
    expect_away(telephone.hear(8), "with a codec of another rate");
    telephone.offer(Codec::Opus, 96, "96", "sendrecv");
    expect_away(telephone.hear(8), "with a codec of another clock");
}

const OURS: &str = "127.0.0.1:40000";

//! What comes in order and without jitter goes on at once and as it is: nothing is added, and nothing is waited for.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings};
use media::frame::AudioFormat;
use media::ingress::{Ingress, IngressConfig, IngressOutput, PayloadTypes};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const AUDIO: PayloadType = PayloadType::new(96).unwrap();

/// A sender whose packets come when they were sent, and the pipeline that hears them.
struct Line {
    ingress: Ingress,
    now: Instant,
    sequence: SequenceNumber,
    timestamp: RtpTimestamp,
}

impl Line {
    fn new(codec: Codec, output: AudioFormat) -> Self {
        let ingress = Ingress::new(IngressConfig::new(codec, PayloadTypes::audio(AUDIO), output)).unwrap();
        // Both counters wrap on the way.
        Self { ingress, now: Instant::now(), sequence: SequenceNumber(65_000), timestamp: RtpTimestamp(u32::MAX - 90_000) }
    }

    /// Sends a packet that lasts `ticks` of its clock and for `length`; writes to `heard` what the agent hears of it at once.
    fn send(&mut self, payload: &[u8], ticks: u32, length: Duration, heard: &mut Vec<u8>) {
        let header = RtpHeader { payload_type: AUDIO, sequence: self.sequence, timestamp: self.timestamp, ssrc: Ssrc(7), marker: false };
        self.ingress.handle_packet(self.now, &RtpPacket { header, payload });
        heard.clear();
        while let IngressOutput::Audio(chunk) = self.ingress.poll_output() {
            heard.extend_from_slice(chunk.bytes);
        }
        (self.sequence, self.timestamp) = (self.sequence.next(), self.timestamp.advance(ticks));
        self.now += length;
    }

    /// Nothing was added, dropped or held back.
    fn assert_untouched(&self, packets: u64) {
        let stats = self.ingress.stats();
        assert_eq!((stats.forwarded, stats.waiting, stats.forwarded_ticks), (packets, 0, stats.timeline_ticks), "{stats:?}");
        assert_eq!(stats.concealed_ticks + stats.filled_ticks + stats.muted_ticks, 0, "{stats:?}");
    }
}

#[test]
fn a_million_packets_of_g711_go_on_at_once_and_byte_for_byte() {
    let mut line = Line::new(Codec::Pcmu, AudioFormat::Ulaw8k);
    let (mut draw, mut heard) = (1_u64, Vec::new());
    let noise: Vec<u8> = (0..4_096_u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    for _ in 0..1_000_000 {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let millis = 10 * (1 + (draw >> 60) % 6);
        let payload = noise.get((draw >> 40) as usize % 3_000..).unwrap().get(..millis as usize * 8).unwrap();
        line.send(payload, payload.len() as u32, Duration::from_millis(millis), &mut heard);
        assert_eq!(heard, payload);
    }
    line.assert_untouched(1_000_000);
    println!("RESULT histories_ordered count=1000000");
}

#[test]
fn of_every_codec_the_agent_hears_at_once_what_a_bare_decoder_makes() {
    let linear = [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_48000].map(|rate| Codec::L16 { rate });
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus].into_iter().chain(linear) {
        for ptime in [10, 20, 40, 60].map(Duration::from_millis) {
            as_a_bare_decoder(codec, ptime);
        }
    }
}

fn as_a_bare_decoder(codec: Codec, ptime: Duration) {
    let opus = OpusSettings::default();
    let mut encoder = Encoder::new(EncoderConfig { codec, wanted: SampleRate::HZ_16000, ptime, opus }).unwrap();
    let mut decoder = Decoder::new(codec, SampleRate::HZ_16000).unwrap();
    let mut line = Line::new(codec, AudioFormat::S16 { rate: decoder.rate() });
    let (mut heard, mut payload, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
    let (ticks, length) = (codec.clock_rate().ticks(ptime) as u32, encoder.rate().samples(ptime));
    for n in 0..500 {
        let frame: Vec<i16> = (0..length).map(|sample| (9_000.0 * ((n * length + sample) as f64 * 0.13).sin()) as i16).collect();
        payload.clear();
        decoded.clear();
        encoder.encode(&frame, &mut payload).unwrap();
        decoder.decode(&payload, &mut decoded).unwrap();
        line.send(&payload, ticks, ptime, &mut heard);
        let expected: Vec<u8> = decoded.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(heard, expected, "{codec:?}, packet {n} of {ptime:?}");
    }
    line.assert_untouched(500);
}

//! Toward the agent no packet of any codec allocates once the line has warmed up, whatever is lost, late or silent.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use allocation_counter::measure;
use media::codec::{Codec, Encoder, EncoderConfig, OpusSettings};
use media::frame::AudioFormat;
use media::ingress::{Ingress, IngressConfig, IngressOutput, PayloadTypes, Silence};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);
const AUDIO: PayloadType = PayloadType::new(96).unwrap();
const CODECS: [Codec; 6] = [
    Codec::Pcmu,
    Codec::Pcma,
    Codec::G722,
    Codec::L16 { rate: SampleRate::HZ_16000 },
    Codec::L16 { rate: SampleRate::HZ_48000 },
    Codec::Opus,
];

/// A caller's stream with its blemishes, and the pipeline that hears it.
struct Line {
    ingress: Ingress,
    payloads: Vec<Vec<u8>>,
    ticks: u32,
    start: Instant,
    packets: u32,
}

impl Line {
    fn new(codec: Codec, rate: SampleRate, silence: Silence) -> Self {
        let payload_types = PayloadTypes { comfort_noise: Some(PayloadType::CN), ..PayloadTypes::audio(AUDIO) };
        let config = IngressConfig { tap: true, silence, ..IngressConfig::new(codec, payload_types, AudioFormat::S16 { rate }) };
        let ingress = Ingress::new(config).unwrap();
        let (ticks, payloads) = (codec.clock_rate().ticks(PTIME) as u32, payloads(codec));
        Self { ingress, payloads, ticks, start: Instant::now(), packets: 0 }
    }

    /// Of 400 packets every tenth is lost and now and then five in a row; every sixteenth comes after its successor, some
    /// come twice; then comfort noise is announced, and a second later there is an outage.
    fn run(&mut self, packets: u32) {
        for n in self.packets..self.packets + packets {
            let now = self.start + PTIME * n;
            let lost = n % 10 == 3 || n % 100 < 5;
            match n % 400 {
                ..300 if lost => {}
                ..300 if n % 16 == 8 => self.receive(now, n + 1, AUDIO),
                ..300 if n % 16 == 9 => self.receive(now, n - 1, AUDIO),
                ..300 => self.receive(now, n, AUDIO),
                300 => self.receive(now, n, PayloadType::CN),
                301..350 => {}
                350 => self.receive(now, n, AUDIO),
                _ => {}
            }
            if n % 32 == 1 {
                self.receive(now, n, AUDIO);
            }
            self.drain(now);
        }
        self.packets += packets;
    }

    fn receive(&mut self, now: Instant, n: u32, payload_type: PayloadType) {
        let (sequence, timestamp) = (SequenceNumber(n as u16), RtpTimestamp(n.wrapping_mul(self.ticks)));
        let header = RtpHeader { payload_type, sequence, timestamp, ssrc: Ssrc(9), marker: false };
        let said = self.payloads.get(n as usize % self.payloads.len()).unwrap();
        let payload = if payload_type == AUDIO { said.as_slice() } else { &[60, 120, 130] };
        self.ingress.handle_packet(now, &RtpPacket { header, payload });
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.ingress.poll_output() {
                IngressOutput::Timeout(Some(due)) if due <= now => self.ingress.handle_timeout(now),
                IngressOutput::Timeout(_) => return,
                IngressOutput::Audio(_) | IngressOutput::Tap(_) => {}
            }
        }
    }
}

/// Two seconds of something like a voice.
fn payloads(codec: Codec) -> Vec<Vec<u8>> {
    let config = EncoderConfig { codec, wanted: SampleRate::HZ_16000, ptime: PTIME, opus: OpusSettings::default() };
    let mut encoder = Encoder::new(config).unwrap();
    encoder.set_loss(0.2);
    let rate = encoder.rate();
    let length = rate.samples(PTIME) as usize;
    let voice = |n: usize| {
        let time = n as f64 / f64::from(rate.hz());
        let harmonics: f64 = (1..9).map(|harmonic| (time * 880.0 * f64::from(harmonic)).sin() / f64::from(harmonic)).sum();
        (5_000.0 * harmonics * (time * 9.0).sin()) as i16
    };
    let frames = (0..100).map(|frame| (0..length).map(|n| voice(frame * length + n)).collect::<Vec<i16>>());
    frames
        .map(|frame| {
            let mut payload = Vec::new();
            encoder.encode(&frame, &mut payload).unwrap();
            payload
        })
        .collect()
}

#[test]
fn no_packet_of_any_codec_allocates_once_the_line_has_warmed_up() {
    for codec in CODECS {
        for (rate, silence) in [(SampleRate::HZ_16000, Silence::Digital), (SampleRate::HZ_24000, Silence::Noise)] {
            let mut line = Line::new(codec, rate, silence);
            line.run(2_000);
            let allocated = measure(|| line.run(2_000)).count_total;
            let stats = line.ingress.stats();
            assert_eq!(allocated, 0, "{codec:?} at {rate}: {stats:?}");
            let blemishes = [stats.concealed_ticks, stats.filled_ticks, stats.reordered, stats.duplicate, stats.comfort_noise];
            assert!(!blemishes.contains(&0), "{codec:?}: the run has its blemishes: {stats:?}");
        }
    }
}

//! A playout buffer allocates nothing for a packet or a frame once it has warmed up.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use allocation_counter::measure;
use media::codec::g711::Law;
use media::codec::{Codec, Encoder, EncoderConfig, OpusSettings};
use media::ingress::PayloadTypes;
use media::playout::{Playout, PlayoutConfig, Relay, RelayConfig};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);
const AUDIO: PayloadType = PayloadType::from_low_bits(96);

struct Line {
    playout: Playout,
    relay: Option<Relay>,
    payload: Vec<u8>,
    ticks: u32,
    start: Instant,
    packets: u32,
    heard: Vec<i16>,
    bytes: Vec<u8>,
}

impl Line {
    fn new(codec: Codec, output: SampleRate) -> Self {
        let config = PlayoutConfig { codec, payload_types: PayloadTypes::audio(AUDIO), output, frame: PTIME, seed: 1 };
        let settings = EncoderConfig { codec, wanted: output, ptime: PTIME, opus: OpusSettings::default() };
        let mut encoder = Encoder::new(settings).unwrap();
        let voice: Vec<i16> = (0..encoder.rate().samples(PTIME)).map(|n| ((n * 37) % 9_000) as i16 - 4_500).collect();
        let mut payload = Vec::new();
        encoder.encode(&voice, &mut payload).unwrap();
        let ticks = codec.clock_rate().ticks(PTIME) as u32;
        let heard = Vec::with_capacity(output.samples(PTIME) as usize);
        let relay = RelayConfig { codec, payload_types: PayloadTypes::audio(AUDIO), output: Law::A, frame: PTIME, seed: 1 };
        let (playout, relay) = (Playout::new(config).unwrap(), Relay::new(relay).ok());
        Self { playout, relay, payload, ticks, start: Instant::now(), packets: 0, heard, bytes: Vec::with_capacity(160) }
    }

    /// Every tenth packet is lost, every sixteenth comes two later, the link stalls every seventh second and the sender
    /// is silent every eighth.
    fn run(&mut self, packets: u32) {
        for n in self.packets..self.packets + packets {
            let now = self.start + PTIME * n;
            let stalls = n % 350 > 340;
            let burst = if n % 350 == 0 { 10 } else { 0 };
            for late in (0..=burst).rev() {
                let n = n.saturating_sub(late);
                if !stalls && n % 400 < 350 && n % 10 != 3 {
                    self.receive(now, if n % 16 == 4 { n.saturating_sub(2) } else { n });
                }
            }
            self.heard.clear();
            self.playout.pull(now, &mut self.heard);
            if let Some(relay) = &mut self.relay {
                self.bytes.clear();
                relay.pull(now, &mut self.bytes);
            }
        }
        self.packets += packets;
    }

    fn receive(&mut self, now: Instant, n: u32) {
        let header = RtpHeader {
            payload_type: AUDIO,
            sequence: SequenceNumber(n as u16),
            timestamp: RtpTimestamp(n * self.ticks),
            ssrc: Ssrc(9),
            marker: false,
        };
        let packet = RtpPacket { header, payload: &self.payload };
        self.playout.handle_packet(now, &packet);
        if let Some(relay) = &mut self.relay {
            relay.handle_packet(now, &packet);
        }
    }
}

#[test]
fn no_packet_and_no_frame_allocates_once_the_buffer_has_warmed_up() {
    let linear = Codec::L16 { rate: SampleRate::HZ_48000 };
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus, linear] {
        for output in [SampleRate::HZ_8000, SampleRate::HZ_24000] {
            let mut line = None;
            let built = measure(|| line = Some(Line::new(codec, output)));
            let line = line.as_mut().unwrap();
            let warm = measure(|| line.run(3_000));
            let ran = measure(|| line.run(3_000));
            let held = (built.bytes_current + warm.bytes_current) / 1_000;
            assert_eq!(ran.count_total, 0, "{codec:?} at {output}");
            let stats = line.playout.stats();
            assert!(stats.concealed > PTIME && stats.lost > 100 && stats.accelerated > PTIME, "the run has its blemishes: {stats:?}");
            assert!(held <= 250, "{codec:?} at {output}: {held} kB");
        }
    }
}

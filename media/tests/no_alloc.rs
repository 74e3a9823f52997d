//! Between the socket and the agent no packet allocates once a call has warmed up, and a call stays small.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use media::codec::Codec;
use media::egress::{Egress, EgressCodec, EgressConfig, EgressOutput, FlushScope, MarkId};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::ingress::{Ingress, IngressConfig, IngressOutput};
use media::rtp::{PayloadTypes, RtpHeader, RtpPacket, RtpSeed};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);
const FORMATS: [AudioFormat; 5] = [
    AudioFormat::Ulaw8k,
    AudioFormat::Alaw8k,
    AudioFormat::S16 { rate: SampleRate::HZ_8000 },
    AudioFormat::S16 { rate: SampleRate::HZ_16000 },
    AudioFormat::S16 { rate: SampleRate::HZ_24000 },
];

/// A call: a caller's stream with its blemishes, and an agent's.
struct Call {
    ingress: Ingress,
    egress: Egress,
    format: AudioFormat,
    start: Instant,
    packets: u32,
}

impl Call {
    fn new(format: AudioFormat, tap: bool) -> Self {
        let (codec, payload_type) = (Codec::Pcmu, PayloadType::PCMU);
        let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
        let ingress = IngressConfig { tap, ..IngressConfig::new(codec, PayloadTypes::audio(payload_type), format) };
        let egress = EgressConfig { tap, ..EgressConfig::new(EgressCodec::new(codec, payload_type, PTIME), format, seed) };
        let start = Instant::now();
        let mut call = Self { ingress: Ingress::new(ingress).unwrap(), egress: Egress::new(egress).unwrap(), format, start, packets: 0 };
        call.egress.start(start);
        call
    }

    /// Runs `packets` packets both ways. Every tenth is lost, every sixteenth comes after its successor; every eighth
    /// second the caller is silent; every 64th packet a new item begins, and every third item is flushed.
    fn run(&mut self, packets: u32) {
        let bytes = [0x11; 1_920];
        let length = self.format.rate().samples(PTIME) as usize * self.format.sample_len_bytes();
        for n in self.packets..self.packets + packets {
            let now = self.start + PTIME * n;
            self.ingress.handle_timeout(now);
            if n % 400 < 350 && n % 10 != 3 {
                self.receive(
                    now,
                    if n % 16 == 4 {
                        n + 1
                    } else if n % 16 == 5 {
                        n - 1
                    } else {
                        n
                    },
                );
            }
            let item = ItemId(n / 64 + 1);
            let _ = self.egress.push(now, item, AudioChunk { format: self.format, bytes: bytes.get(..length).unwrap() });
            match n % 192 {
                50 => self.egress.mark(MarkId(n)),
                100 => self.egress.end(now, item),
                150 => self.egress.flush(now, FlushScope::All, false),
                _ => {}
            }
            self.egress.handle_timeout(now);
            while !matches!(self.ingress.poll_output(), IngressOutput::Timeout(_)) {}
            while !matches!(self.egress.poll_output(), EgressOutput::Timeout(_)) {}
        }
        self.packets += packets;
    }

    fn receive(&mut self, now: Instant, n: u32) {
        let header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(n as u16),
            timestamp: RtpTimestamp(n * 160),
            ssrc: Ssrc(9),
            marker: false,
        };
        self.ingress.handle_packet(now, &RtpPacket { header, payload: &[0x42; 160] });
    }
}

#[test]
fn no_packet_allocates_once_a_call_has_warmed_up() {
    for format in FORMATS {
        for tap in [false, true] {
            let mut call = Call::new(format, tap);
            // All items the ledger keeps, a silence, and disorder.
            call.run(64 * 70);
            let AllocationInfo { count_total, .. } = measure(|| call.run(2_000));
            assert_eq!(count_total, 0, "{format:?}, tap {tap}");
            let stats = call.ingress.stats();
            assert!(stats.concealed_ticks > 0 && stats.filled_ticks > 0 && stats.forwarded > 1_000, "the run has its blemishes: {stats:?}");
        }
    }
}

#[test]
fn a_call_takes_at_most_fifty_kilobytes() {
    for format in FORMATS {
        // What all calls of a pair of rates share is no call's.
        drop(Call::new(format, false));
        let mut call = None;
        let built = measure(|| call = Some(Call::new(format, false)));
        let ran = measure(|| call.as_mut().unwrap().run(64 * 70));
        let held = built.bytes_current + ran.bytes_current + size_of::<Call>() as i64;
        eprintln!("{format:?}: {held} bytes a call, {} at its start", built.bytes_current);
        assert!(held <= 50_000, "{format:?}: {held} bytes");
    }
}

#[test]
fn a_long_answer_leaves_no_memory_behind() {
    let format = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
    let mut call = Call::new(format, false);
    let spoken = vec![0x11; 48_000 * 60];
    let held = measure(|| {
        call.egress.push(call.start, ItemId(1), AudioChunk { format, bytes: &spoken }).unwrap();
        call.egress.end(call.start, ItemId(1));
        for n in 0..3_100 {
            call.egress.handle_timeout(call.start + PTIME * n);
            while !matches!(call.egress.poll_output(), EgressOutput::Timeout(_)) {}
        }
    });
    assert!(held.bytes_max > 480_000 && held.bytes_current < 20_000, "{held:?}");
}

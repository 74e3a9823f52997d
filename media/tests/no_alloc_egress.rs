//! No packet toward the caller allocates once a call has warmed up, live audio, bursts, silence and all.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use allocation_counter::measure;
use media::codec::Codec;
use media::egress::{Egress, EgressCodec, EgressConfig, EgressOutput, SilencePolicy};
use media::frame::{AudioChunk, AudioFormat, ItemId};
use media::rtp::RtpSeed;
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);

struct Call {
    egress: Egress,
    format: AudioFormat,
    start: Instant,
    slots: u32,
    /// Chunks that were held up.
    behind: u32,
}

impl Call {
    fn new(codec: Codec, format: AudioFormat, silence: SilencePolicy) -> Self {
        let seed = RtpSeed { ssrc: Ssrc(1), sequence: SequenceNumber(1), timestamp: RtpTimestamp(1) };
        let payload_type = codec.static_payload_type().unwrap_or(PayloadType::from_low_bits(96));
        let agreed = EgressCodec::new(codec, payload_type, PTIME);
        let mut egress = Egress::new(EgressConfig { silence, ..EgressConfig::new(agreed, format, seed) }).unwrap();
        let start = Instant::now();
        egress.start(start);
        Self { egress, format, start, slots: 0, behind: 0 }
    }

    /// A live agent: ten seconds of every twelve it speaks, and every four seconds its connection stalls for 400 ms.
    fn run(&mut self, slots: u32) {
        let rate = self.format.rate();
        let length = rate.samples(PTIME) as usize;
        let mut bytes = [0_u8; 1_920];
        for n in self.slots..self.slots + slots {
            let now = self.start + PTIME * n;
            let item = ItemId(n / 600 + 1);
            match n % 600 {
                500 => self.egress.end(now, item),
                501.. => {}
                spoken => {
                    self.behind += 1;
                    if spoken % 200 < 180 {
                        for _ in 0..std::mem::take(&mut self.behind) {
                            let sample = |at: usize| (6_000.0 * (at as f32 * 0.05).sin()) as i16;
                            for (pair, at) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(0..length) {
                                *pair = sample(at).to_le_bytes();
                            }
                            let bytes = bytes.get(..length * self.format.sample_len_bytes()).unwrap();
                            self.egress.push(now, item, AudioChunk { format: self.format, bytes }).unwrap();
                        }
                    }
                }
            }
            self.egress.handle_timeout(now);
            while !matches!(self.egress.poll_output(), EgressOutput::Timeout(_)) {}
        }
        self.slots += slots;
    }
}

#[test]
fn no_packet_of_a_live_agent_allocates_once_a_call_has_warmed_up() {
    let linear = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
    let noise = SilencePolicy::ComfortNoise(PayloadType::CN);
    for (codec, format, silence) in [
        (Codec::Pcmu, linear, SilencePolicy::Continuous),
        (Codec::Pcmu, AudioFormat::Ulaw8k, noise),
        (Codec::G722, linear, SilencePolicy::Continuous),
        (Codec::Opus, linear, SilencePolicy::Dtx),
    ] {
        let mut call = Call::new(codec, format, silence);
        // The ledger has grown to more items than come now.
        call.run(600 * 17);
        let ran = measure(|| call.run(600 * 4));
        assert_eq!(ran.count_total, 0, "{codec:?}, {format:?}");
        let stats = call.egress.stats();
        assert!(stats.squeezed_samples > 10_000 && stats.underruns > 5, "the run has its blemishes: {stats:?}");
    }
}

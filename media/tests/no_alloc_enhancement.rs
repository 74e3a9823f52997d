//! What makes a caller's audio cleaner allocates nothing once it stands, but for the echo canceller of `sonora-aec3`, which
//! takes room for each block of 4 ms and gives it back at once: counted here, so that it does not grow unseen.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use media::codec::Codec;
use media::egress::{FrameContent, ReferenceFrame};
use media::enhancement::{Enhancement, Suppression};
use media::frame::AudioFormat;
use media::ingress::{Ingress, IngressConfig, IngressOutput};
use media::rtp::{PayloadTypes, RtpHeader, RtpPacket};
use media::units::{RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const PTIME: Duration = Duration::from_millis(20);

/// A line with its blemishes, whose audio is made cleaner.
struct Line {
    ingress: Ingress,
    codec: Codec,
    start: Instant,
    packets: u32,
    noise: u32,
}

impl Line {
    fn new(codec: Codec, output: AudioFormat, enhancement: Enhancement) -> Self {
        let config = IngressConfig::new(codec, PayloadTypes::audio(codec.static_payload_type().unwrap()), output);
        let ingress = Ingress::new(IngressConfig { enhancement, ..config }).unwrap();
        Self { ingress, codec, start: Instant::now(), packets: 0, noise: 1 }
    }

    /// So many packets both ways; every tenth is lost, and every eighth second nothing is sent.
    fn run(&mut self, packets: u32) {
        let rate = self.codec.sample_rate();
        for n in self.packets..self.packets + packets {
            let (mut sent, mut came) = ([0_i16; 320], [0_u8; 160]);
            let sent = sent.get_mut(..rate.samples(PTIME) as usize).unwrap();
            sent.fill_with(|| (self.draw() % 8_000) as i16);
            came.fill_with(|| self.draw() as u8);
            let now = self.start + PTIME * n;
            if n % 400 < 350 {
                let position = u64::from(n) * sent.len() as u64;
                self.ingress.handle_sent(&ReferenceFrame { samples: sent, rate, position, slot: now, content: FrameContent::Agent });
            } else {
                self.ingress.handle_silent_slot(PTIME);
            }
            self.ingress.handle_timeout(now);
            if n % 10 != 3 {
                let header = RtpHeader {
                    payload_type: self.codec.static_payload_type().unwrap(),
                    sequence: SequenceNumber(n as u16),
                    timestamp: RtpTimestamp(n * 160),
                    ssrc: Ssrc(9),
                    marker: false,
                };
                self.ingress.handle_packet(now, &RtpPacket { header, payload: &came });
            }
            while !matches!(self.ingress.poll_output(), IngressOutput::Timeout(_)) {}
        }
        self.packets += packets;
    }

    fn draw(&mut self) -> u32 {
        self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.noise >> 16
    }
}

const FORMATS: [AudioFormat; 4] = [
    AudioFormat::Ulaw8k,
    AudioFormat::S16 { rate: SampleRate::HZ_8000 },
    AudioFormat::S16 { rate: SampleRate::HZ_16000 },
    AudioFormat::S16 { rate: SampleRate::HZ_24000 },
];

fn counted(codec: Codec, format: AudioFormat, enhancement: Enhancement) -> AllocationInfo {
    let mut line = Line::new(codec, format, enhancement);
    line.run(3_000);
    measure(|| line.run(1_000))
}

#[test]
fn no_packet_whose_noise_is_taken_down_allocates() {
    let enhancement = Enhancement { echo_cancellation: false, noise_suppression: Suppression::High };
    for (codec, format) in FORMATS.into_iter().flat_map(|format| [(Codec::Pcmu, format), (Codec::G722, format)]) {
        assert_eq!(counted(codec, format, enhancement).count_total, 0, "{codec:?} to {format:?}");
    }
}

#[test]
fn an_echo_canceller_takes_room_for_each_block_and_gives_it_back_and_the_rest_takes_none() {
    let enhancement = Enhancement { echo_cancellation: true, noise_suppression: Suppression::Moderate };
    for (codec, format) in FORMATS.into_iter().flat_map(|format| [(Codec::Pcmu, format), (Codec::G722, format)]) {
        let AllocationInfo { count_total, count_current, bytes_current, .. } = counted(codec, format, enhancement);
        let blocks = 5 * 1_000;
        eprintln!("RESULT enhancement allocations_a_block={:.2}", count_total as f64 / f64::from(blocks));
        assert_eq!((count_current, bytes_current), (0, 0), "{codec:?} to {format:?}: something stays");
        assert!(count_total <= u64::from(A_BLOCK * blocks as u32), "{codec:?} to {format:?}: {count_total} allocations");
    }
}

#[test]
fn a_line_that_nobody_wants_cleaner_has_no_room_for_it() {
    let size = |enhancement| {
        let mut line = None;
        let built = measure(|| line = Some(Line::new(Codec::Pcmu, AudioFormat::S16 { rate: SampleRate::HZ_24000 }, enhancement)));
        drop(line);
        built.bytes_current
    };
    let on = |echo_cancellation, noise_suppression| Enhancement { echo_cancellation, noise_suppression };
    // What all calls of a pair of rates share is no call's.
    size(on(true, Suppression::High));
    let plain = size(Enhancement::default());
    let (echo, noise) = (size(on(true, Suppression::Off)) - plain, size(on(false, Suppression::High)) - plain);
    eprintln!("RESULT enhancement echo_bytes={echo} noise_bytes={noise}");
    assert!(plain < 10_000 && noise < 64_000 && echo < 340_000, "{plain}, {noise}, {echo}");
}

/// Allocations of the canceller in a block of 4 ms.
const A_BLOCK: u32 = 16;

//! What a caller's stream becomes on its way to the agent, one fact a test.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use media::codec::{Codec, g711, rms_dbfs};
use media::frame::AudioFormat;
use media::ingress::{FrameOrigin, Ingress, IngressConfig, IngressOutput};
use media::rtp::{PayloadTypes, RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const EVENT: PayloadType = PayloadType::new(101).unwrap();

/// A pipeline under test with its clock, and what came out of it.
struct Line {
    ingress: Ingress,
    start: Instant,
    audio: Vec<u8>,
    tapped: Vec<(u64, FrameOrigin, usize)>,
    timeout: Option<Instant>,
}

impl Line {
    fn new(codec: Codec, output: AudioFormat) -> Self {
        let payload_type = codec.static_payload_type().unwrap();
        let payload_types = PayloadTypes { telephone_event: Some(EVENT), ..PayloadTypes::audio(payload_type) };
        let config = IngressConfig { tap: true, ..IngressConfig::new(codec, payload_types, output) };
        Self { ingress: Ingress::new(config).unwrap(), start: Instant::now(), audio: Vec::new(), tapped: Vec::new(), timeout: None }
    }

    fn pcmu() -> Self {
        Self::new(Codec::Pcmu, AudioFormat::Ulaw8k)
    }

    fn packet(&mut self, at_ms: u64, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        self.packet_of(at_ms, PayloadType::PCMU, Ssrc(1), sequence, timestamp, payload)
    }

    fn packet_of(&mut self, at_ms: u64, payload_type: PayloadType, ssrc: Ssrc, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let now = self.run_to(at_ms);
        let header =
            RtpHeader { payload_type, sequence: SequenceNumber(sequence), timestamp: RtpTimestamp(timestamp), ssrc, marker: false };
        let before = self.audio.len();
        self.ingress.handle_packet(now, &RtpPacket { header, payload });
        self.drain();
        self.audio[before..].to_vec()
    }

    /// Lets time pass, obeying every timeout.
    fn run_to(&mut self, at_ms: u64) -> Instant {
        let now = self.start + Duration::from_millis(at_ms);
        while let Some(due) = self.timeout.filter(|due| *due <= now) {
            self.ingress.handle_timeout(due);
            self.drain();
        }
        now
    }

    fn drain(&mut self) {
        loop {
            match self.ingress.poll_output() {
                IngressOutput::Audio(chunk) => self.audio.extend_from_slice(chunk.bytes),
                IngressOutput::Tap(frame) => self.tapped.push((frame.position, frame.origin, frame.samples.len())),
                IngressOutput::Timeout(timeout) => {
                    self.timeout = timeout;
                    return;
                }
            }
        }
    }
}

/// `millis` of speech-like bytes, different for each `seed`.
fn speech(seed: u32, millis: usize) -> Vec<u8> {
    (0..millis * 8).map(|n| g711::encode_ulaw((((n as u32 * 37 + seed * 911) % 4_001) as i16 - 2_000) * 8)).collect()
}

#[test]
fn an_orderly_stream_passes_byte_for_byte_and_at_once() {
    let mut line = Line::pcmu();
    for n in 0..200_u16 {
        let payload = speech(u32::from(n), 20);
        let out = line.packet(u64::from(n) * 20, n.wrapping_add(65_500), (u32::from(n) * 160).wrapping_sub(8_000), &payload);
        assert_eq!(out, payload, "packet {n}");
    }
    let stats = line.ingress.stats();
    assert_eq!((stats.forwarded, stats.concealed_ticks, stats.filled_ticks, stats.resets), (200, 0, 0, 0));
}

#[test]
fn packets_of_ten_to_sixty_milliseconds_may_follow_each_other() {
    let mut line = Line::pcmu();
    let (mut at, mut timestamp) = (0, 5_u32);
    for (n, millis) in [20, 10, 30, 60, 40, 10, 50, 20].into_iter().enumerate() {
        let payload = speech(n as u32, millis);
        assert_eq!(line.packet(at, n as u16, timestamp, &payload), payload);
        (at, timestamp) = (at + millis as u64, timestamp + millis as u32 * 8);
    }
}

#[test]
fn two_packets_that_changed_places_are_put_in_order_without_loss() {
    let mut line = Line::pcmu();
    let packets: Vec<Vec<u8>> = (0..4).map(|n| speech(n, 20)).collect();
    line.packet(0, 0, 0, &packets[0]);
    assert_eq!(line.packet(40, 2, 320, &packets[2]), []);
    assert_eq!(line.packet(45, 1, 160, &packets[1]), [packets[1].clone(), packets[2].clone()].concat());
    assert_eq!(line.packet(60, 3, 480, &packets[3]), packets[3]);
}

#[test]
fn a_lost_packet_is_concealed_after_the_gap_wait_and_its_late_arrival_dropped() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    line.packet(40, 2, 320, &speech(2, 20));
    line.run_to(79);
    assert_eq!(line.audio.len(), 160);
    line.run_to(80);
    assert_eq!(line.audio.len(), 480);
    assert_eq!(line.audio[320..], speech(2, 20));
    let covered: Vec<i16> = line.audio[160..320].iter().map(|&byte| g711::decode_ulaw(byte)).collect();
    assert!(rms_dbfs(&covered) > -30.0, "concealment is no silence");
    assert_eq!(line.packet(81, 1, 160, &speech(1, 20)), []);
    let stats = line.ingress.stats();
    assert_eq!((stats.lost, stats.late, stats.concealed_ticks), (1, 1, 960));
}

#[test]
fn a_pause_without_a_missing_packet_is_filled_with_digital_silence_at_once() {
    for (codec, output, silence) in [
        (Codec::Pcmu, AudioFormat::Ulaw8k, vec![0xff; 800]),
        (Codec::Pcma, AudioFormat::Alaw8k, vec![0xd5; 800]),
        (Codec::Pcma, AudioFormat::Ulaw8k, vec![0xff; 800]),
        (Codec::Pcma, AudioFormat::S16 { rate: SampleRate::HZ_8000 }, vec![0; 1_600]),
    ] {
        let mut line = Line::new(codec, output);
        let payload_type = codec.static_payload_type().unwrap();
        line.packet_of(0, payload_type, Ssrc(1), 0, 0, &[0x12; 160]);
        let out = line.packet_of(120, payload_type, Ssrc(1), 1, 960, &[0x12; 160]);
        assert_eq!(out[..silence.len()], silence, "{codec:?} to {output:?}");
    }
}

#[test]
fn silence_runs_in_real_time_and_the_first_word_after_it_is_whole() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    for at in (200..3_000).step_by(20) {
        line.run_to(at);
        let behind = at as i64 + 20 - line.audio.len() as i64 / 8;
        assert!((0..=40).contains(&behind), "at {at} ms the line is {behind} ms behind");
    }
    let out = line.packet(3_000, 1, 24_000, &speech(1, 20));
    assert!(out.ends_with(&speech(1, 20)));
    assert_eq!((line.audio.len(), line.ingress.stats().late), (24_160, 0));
}

#[test]
fn duplicates_are_counted_and_dropped() {
    let mut line = Line::pcmu();
    for n in [0_u16, 0, 1, 0, 1, 2, 2] {
        line.packet(u64::from(n) * 20, n, u32::from(n) * 160, &speech(0, 20));
    }
    assert_eq!((line.audio.len(), line.ingress.stats().duplicate), (480, 4));
}

#[test]
fn a_new_source_is_heard_at_once() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    let out = line.packet_of(20, PayloadType::PCMU, Ssrc(2), 40_000, 77, &speech(1, 20));
    assert_eq!(out, speech(1, 20));
    assert_eq!(line.ingress.stats().resets, 1);
}

#[test]
fn after_a_restart_of_the_sequence_audio_is_back_within_two_hundred_milliseconds() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    let back =
        (1..10_u16).find(|n| !line.packet(u64::from(*n) * 20, 30_000 + n, 9_000_000 + u32::from(*n) * 160, &speech(1, 20)).is_empty());
    assert_eq!(back, Some(2));
}

#[test]
fn a_sender_whose_clock_stood_still_while_muted_is_back_within_two_hundred_milliseconds() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    let back = (1..20_u16).find(|n| !line.packet(10_000 + u64::from(*n) * 20, *n, u32::from(*n) * 160, &speech(1, 20)).is_empty());
    assert!(back.is_some_and(|n| n <= 10), "{back:?}");
}

#[test]
fn telephone_events_and_foreign_payloads_are_no_audio_and_no_loss() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    for n in 1..=5 {
        assert_eq!(line.packet_of(u64::from(n) * 20, EVENT, Ssrc(1), n, 160, &[1, 10, 0, 160]), []);
    }
    line.packet_of(120, PayloadType::CN, Ssrc(1), 6, 960, &[40]);
    line.packet_of(130, PayloadType::PCMA, Ssrc(9), 6, 960, &[40; 160]);
    let out = line.packet(140, 7, 1_120, &speech(7, 20));
    assert_eq!((out.len(), &out[..960]), (960 + 160, &[0xff; 960][..]));
    let stats = line.ingress.stats();
    assert_eq!((stats.rejected_telephone_event, stats.rejected_payload_type, stats.lost), (5, 2, 0));
}

#[test]
fn while_a_key_is_pressed_what_was_heard_does_not_go_on() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    for n in 1..20 {
        line.packet_of(u64::from(n) * 20, EVENT, Ssrc(1), n, 160, &[5, 0, 1, 0]);
    }
    line.packet(400, 20, 3_200, &speech(1, 20));
    let (said, between) = (speech(0, 20), line.audio.len() - 320);
    assert_eq!(line.audio, [said, vec![0xff; between], speech(1, 20)].concat());
    assert_eq!((between, line.ingress.stats().concealed_ticks), (3_040, 0));
}

#[test]
fn empty_and_endless_packets_are_refused() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &[]);
    line.packet(0, 1, 0, &[0; 1_400]);
    assert_eq!((line.audio.len(), line.ingress.stats().rejected_size), (0, 2));
}

#[test]
fn on_hold_time_goes_on_in_silence() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    let now = line.run_to(20);
    line.ingress.hold(now, true);
    line.drain();
    line.packet(500, 1, 4_000, &speech(1, 20));
    assert_eq!((line.audio.len(), line.ingress.stats().rejected_held), (160 + 480 * 8, 1));
    assert!(line.audio[160..].iter().all(|&byte| byte == 0xff));
    let now = line.run_to(600);
    line.ingress.hold(now, false);
    line.drain();
    assert_eq!(line.packet(620, 2, 0, &speech(2, 20)), speech(2, 20));
}

#[test]
fn muted_audio_is_silence_of_the_same_length_for_agent_and_tap() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    line.ingress.mute(true);
    assert_eq!(line.packet(20, 1, 160, &speech(1, 20)), [0xff; 160]);
    line.ingress.mute(false);
    assert_eq!(line.packet(40, 2, 320, &speech(2, 20)), speech(2, 20));
    let origins: Vec<FrameOrigin> = line.tapped.iter().map(|(_, origin, _)| *origin).collect();
    assert_eq!(origins, [FrameOrigin::Received, FrameOrigin::Muted, FrameOrigin::Received]);
    let stats = line.ingress.stats();
    assert_eq!((stats.forwarded, stats.forwarded_ticks, stats.muted_ticks), (3, 2 * 960, 960));
}

#[test]
fn what_waits_of_the_old_codec_goes_before_the_first_packet_of_the_new() {
    let mut line = Line::pcmu();
    let packets: Vec<Vec<u8>> = (0..6).map(|n| speech(n, 20)).collect();
    line.packet(0, 0, 0, &packets[0]);
    line.ingress.set_codec(line.start, Codec::Pcma, PayloadTypes::audio(PayloadType::PCMA)).unwrap();
    assert_eq!(line.packet(20, 1, 160, &packets[1]), packets[1], "the old codec runs on until the new one comes");
    assert_eq!(line.packet(60, 3, 480, &packets[3]), []);
    let out = line.packet_of(80, PayloadType::PCMA, Ssrc(1), 4, 640, &[0x12; 160]);
    assert_eq!((out.len(), &out[160..320]), (480, &packets[3][..]));
    assert_eq!(&out[320..], [g711::alaw_to_ulaw(0x12); 160]);
    assert_eq!(line.packet(100, 5, 800, &packets[5]), [], "and is over then");
    let stats = line.ingress.stats();
    assert_eq!((stats.lost, stats.resets, stats.rejected_payload_type), (1, 0, 1));
}

#[test]
fn a_codec_of_another_clock_goes_on_where_the_line_stands() {
    let rate = SampleRate::HZ_16000;
    let linear = PayloadType::new(96).unwrap();
    let mut line = Line::new(Codec::Pcmu, AudioFormat::S16 { rate });
    for n in 0..10 {
        line.packet(u64::from(n) * 20, n, u32::from(n) * 160, &speech(1, 20));
    }
    line.ingress.set_codec(line.start, Codec::L16 { rate }, PayloadTypes::audio(linear)).unwrap();
    for n in 10..20_u16 {
        let out = line.packet_of(u64::from(n) * 20, linear, Ssrc(1), n, 9_000_000 + u32::from(n) * 320, &[0x12; 640]);
        assert_eq!(out, [0x12; 640], "linear audio passes as it is");
    }
    assert_eq!((line.audio.len(), line.ingress.stats().timeline_ticks), (20 * 640, 20 * 960));
    let positions: Vec<u64> = line.tapped.iter().map(|(position, ..)| *position).collect();
    assert_eq!((positions[9], positions[10]), (9 * 160, 10 * 320), "a tap's place is told at its own rate");
}

#[test]
fn the_other_law_and_linear_audio_say_the_same() {
    let payload = speech(3, 20);
    let linear: Vec<i16> = payload.iter().map(|&byte| g711::decode_ulaw(byte)).collect();
    let mut line = Line::new(Codec::Pcmu, AudioFormat::S16 { rate: SampleRate::HZ_8000 });
    assert_eq!(line.packet(0, 0, 0, &payload), linear.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>());
    let mut line = Line::new(Codec::Pcmu, AudioFormat::Alaw8k);
    assert_eq!(line.packet(0, 0, 0, &payload), payload.iter().map(|&byte| g711::ulaw_to_alaw(byte)).collect::<Vec<u8>>());
}

#[test]
fn every_packet_of_twenty_milliseconds_yields_as_much_at_any_rate() {
    for rate in [SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000] {
        let mut line = Line::new(Codec::Pcmu, AudioFormat::S16 { rate });
        for n in 0..50_u16 {
            let out = line.packet(u64::from(n) * 20, n, u32::from(n) * 160, &speech(1, 20));
            assert_eq!(out.len() as u64, rate.samples(Duration::from_millis(20)) * 2);
        }
    }
}

#[test]
fn the_tap_hears_all_of_the_line_in_place() {
    let mut line = Line::new(Codec::Pcmu, AudioFormat::S16 { rate: SampleRate::HZ_24000 });
    line.packet(0, 0, 0, &speech(0, 20));
    line.packet(40, 2, 320, &speech(2, 20));
    line.packet(100, 3, 800, &speech(3, 20));
    assert_eq!(
        line.tapped,
        [
            (0, FrameOrigin::Received, 160),
            (160, FrameOrigin::Concealed, 160),
            (320, FrameOrigin::Received, 160),
            (480, FrameOrigin::Filled, 160),
            (640, FrameOrigin::Filled, 160),
            (800, FrameOrigin::Received, 160),
        ]
    );
}

#[test]
fn an_agent_of_another_format_takes_over_between_two_packets() {
    let mut line = Line::pcmu();
    line.packet(0, 0, 0, &speech(0, 20));
    line.ingress.set_output(AudioFormat::S16 { rate: SampleRate::HZ_16000 }).unwrap();
    assert_eq!(line.packet(20, 1, 160, &speech(0, 20)).len(), 640);
}

#[test]
fn redundancy_for_a_gap_shorter_than_a_sample_takes_no_more_than_the_gap() {
    let (payload_type, output) = (PayloadType::new(111).unwrap(), AudioFormat::S16 { rate: SampleRate::HZ_24000 });
    let mut ingress = Ingress::new(IngressConfig::new(Codec::Opus, PayloadTypes::audio(payload_type), output)).unwrap();
    let start = Instant::now();
    // The second packet overlaps the first by a tick, so that the line stands at an odd one of 48 kHz; a tick is missing
    // before the last, which holds the frame before it a second time (RFC 6716 section 4.2.4).
    for (sequence, timestamp) in [(0_u16, 0_u32), (1, 959), (3, 1_920)] {
        let (sequence, timestamp) = (SequenceNumber(sequence), RtpTimestamp(timestamp));
        let header = RtpHeader { payload_type, sequence, timestamp, ssrc: Ssrc(1), marker: false };
        ingress.handle_packet(start, &RtpPacket { header, payload: &[0x08, 0x40, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a] });
    }
    ingress.handle_timeout(start + Duration::from_secs(1));
    let stats = ingress.stats();
    assert_eq!((stats.concealed_ticks, stats.forwarded_ticks), (1, 960 + 959 + 960), "{stats:?}");
}

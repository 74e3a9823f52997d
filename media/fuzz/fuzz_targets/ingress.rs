//! Whatever packets come, and whenever, of every codec: the books of ingress balance, its timeline keeps to RTP's, and its
//! output stays bounded.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::codec::Codec;
use media::frame::AudioFormat;
use media::ingress::{Ingress, IngressConfig, IngressOutput, Silence};
use media::rtp::{PayloadTypes, RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const CODECS: [Codec; 6] =
    [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus, Codec::L16 { rate: SampleRate::HZ_16000 }, Codec::L16 { rate: SampleRate::HZ_48000 }];
const FORMATS: [AudioFormat; 4] = [
    AudioFormat::Ulaw8k,
    AudioFormat::S16 { rate: SampleRate::HZ_8000 },
    AudioFormat::S16 { rate: SampleRate::HZ_24000 },
    AudioFormat::S16 { rate: SampleRate::HZ_48000 },
];
const AUDIO: PayloadType = PayloadType::new(96).unwrap();
const NEXT: PayloadType = PayloadType::new(97).unwrap();
const KINDS: [PayloadType; 8] = [AUDIO, AUDIO, AUDIO, AUDIO, NEXT, PayloadType::CN, PayloadType::new(101).unwrap(), PayloadType::G722];

// Two bytes say what was negotiated and what the agent takes. Then each packet is eight bytes and its payload: what
// differs from its predecessor, how long after it, how long it is, and how often its payload is repeated.
fuzz_target!(|script: &[u8]| {
    let Some((&[codecs, formats], mut script)) = script.split_first_chunk() else { return };
    let (codec, next) = (usize::from(codecs) % CODECS.len(), usize::from(codecs >> 4) % CODECS.len());
    let silence = if formats & 0x10 == 0 { Silence::Digital } else { Silence::Noise };
    let output = FORMATS[usize::from(formats & 3)];
    let config = IngressConfig { tap: formats & 0x20 != 0, silence, ..IngressConfig::new(CODECS[codec], types(AUDIO), output) };
    let mut ingress = Ingress::new(config).expect("every codec runs at every rate");
    let mut now = Instant::now();
    let mut header = RtpHeader { payload_type: AUDIO, sequence: SequenceNumber(0), timestamp: RtpTimestamp(0), ssrc: Ssrc(0), marker: false };
    let (mut heard, mut changes, mut payload) = (0, 0, Vec::new());
    while let Some((&[kind, what, wait, sequence, timestamp, timestamp_high, length, times], rest)) = script.split_first_chunk() {
        let (said, rest) = rest.split_at(usize::from(length).min(rest.len()));
        script = rest;
        payload.clear();
        (0..=times & 0x0f).for_each(|_| payload.extend_from_slice(said));
        now += Duration::from_millis(u64::from(wait) * if kind & 1 == 0 { 1 } else { 40 });
        header.payload_type = KINDS[usize::from(kind >> 1 & 7)];
        let step = i16::from(sequence as i8) * if kind & 0x10 == 0 { 1 } else { 255 };
        header.sequence = SequenceNumber(header.sequence.0.wrapping_add_signed(step));
        let ticks = i32::from(i16::from_le_bytes([timestamp, timestamp_high])) << (kind >> 5 & 3);
        header.timestamp = RtpTimestamp(header.timestamp.0.wrapping_add_signed(ticks));
        header.ssrc = Ssrc(u32::from(times == 255));
        match what {
            0 | 1 => ingress.hold(now, what == 0),
            2 | 3 => ingress.mute(what == 2),
            4 => {
                ingress.set_codec(now, CODECS[next], types(NEXT)).expect("every codec runs at every rate");
                changes += 1;
            }
            5 => ingress.set_tap(kind & 1 == 0),
            _ => {}
        }
        ingress.handle_packet(now, &RtpPacket { header, payload: &payload });
        heard += drain(&mut ingress, now);
        check(&ingress, heard * u64::from(48_000 / output.rate().hz()), changes);
    }
});

fn types(audio: PayloadType) -> PayloadTypes {
    PayloadTypes { telephone_event: PayloadType::new(101), comfort_noise: Some(PayloadType::CN), ..PayloadTypes::audio(audio) }
}

/// The books balance, and the agent heard all of the line but what waits for a whole chunk of a resampler.
fn check(ingress: &Ingress, heard: u64, changes: i64) {
    let stats = ingress.stats();
    let packets = stats.forwarded + stats.comfort_noise + stats.late + stats.duplicate + stats.rejected() + stats.waiting;
    let ticks = stats.forwarded_ticks + stats.concealed_ticks + stats.filled_ticks + stats.muted_ticks;
    assert_eq!((stats.received, stats.timeline_ticks), (packets, ticks), "{stats:?}");
    assert!(stats.silence || (-960..=9_600).contains(&stats.lead_ticks), "{stats:?}");
    let behind = stats.timeline_ticks as i64 - heard as i64;
    assert!((-6 - 6 * changes..486 + 6 * changes).contains(&behind), "{behind} of {stats:?}");
}

/// Takes all output, obeying every timeout that is due; returns the samples of it.
fn drain(ingress: &mut Ingress, now: Instant) -> u64 {
    let mut heard = 0;
    // Two seconds of silence in steps of 60 ms, a gap of two seconds, a ring full of packets: far less than this.
    for _ in 0..5_000 {
        match ingress.poll_output() {
            IngressOutput::Audio(chunk) => heard += chunk.samples(),
            IngressOutput::Tap(_) => {}
            IngressOutput::Timeout(Some(due)) if due <= now => ingress.handle_timeout(now),
            IngressOutput::Timeout(_) => return heard,
        }
    }
    panic!("the pipeline does not come to rest");
}

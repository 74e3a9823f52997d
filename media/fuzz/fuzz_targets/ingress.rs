//! Whatever packets come, and whenever: the books of ingress balance, its timeline keeps to RTP's, and its output stays bounded.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::codec::Codec;
use media::frame::AudioFormat;
use media::ingress::{Ingress, IngressConfig, IngressOutput};
use media::rtp::{PayloadTypes, RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

/// Each 8 bytes are a packet: what differs from its predecessor, how long after it, how long it is.
fuzz_target!(|script: &[u8]| {
    let payload_types = PayloadTypes { telephone_event: PayloadType::new(101), ..PayloadTypes::audio(PayloadType::PCMA) };
    let config = IngressConfig { tap: true, ..IngressConfig::new(Codec::Pcma, payload_types, AudioFormat::Ulaw8k) };
    let mut ingress = Ingress::new(config).expect("no resampler is needed");
    let mut now = Instant::now();
    let mut header =
        RtpHeader { payload_type: PayloadType::PCMA, sequence: SequenceNumber(0), timestamp: RtpTimestamp(0), ssrc: Ssrc(0), marker: false };
    let mut heard = 0;
    for &[kind, wait, sequence, sequence_high, timestamp, timestamp_high, length, ssrc] in script.as_chunks::<8>().0 {
        now += Duration::from_millis(u64::from(wait) * if kind & 1 == 0 { 1 } else { 40 });
        header.payload_type = [PayloadType::PCMA, PayloadType::PCMA, PayloadType::PCMU, PayloadType::CN][usize::from(kind >> 1 & 3)];
        let step = i16::from_le_bytes([sequence, if kind & 8 == 0 { 0 } else { sequence_high }]);
        header.sequence = SequenceNumber(header.sequence.0.wrapping_add_signed(step));
        let ticks = i32::from(i16::from_le_bytes([timestamp, timestamp_high])) << (kind >> 4 & 3);
        header.timestamp = RtpTimestamp(header.timestamp.0.wrapping_add_signed(ticks));
        header.ssrc = Ssrc(u32::from(ssrc == 255));
        if kind & 0xc0 == 0xc0 {
            ingress.hold(now, kind & 1 == 0);
        }
        ingress.handle_packet(now, &RtpPacket { header, payload: &[0x2a; 4 * 255][..usize::from(length) * 4] });
        heard += drain(&mut ingress, now);
        let stats = ingress.stats();
        let packets = stats.forwarded + stats.late + stats.duplicate + stats.rejected() + stats.waiting;
        let ticks = stats.forwarded_ticks + stats.concealed_ticks + stats.filled_ticks + stats.muted_ticks;
        assert_eq!((stats.received, stats.timeline_ticks, stats.timeline_ticks), (packets, ticks, heard * 6), "{stats:?}");
        assert!(stats.silence || (-960..=9_600).contains(&stats.lead_ticks), "{stats:?}");
    }
});

/// Takes all output, obeying every timeout that is due; returns the samples of it.
fn drain(ingress: &mut Ingress, now: Instant) -> u64 {
    let mut heard = 0;
    // Two seconds of silence in steps of 60 ms, a gap of two seconds, a ring full of packets: far less than this.
    for _ in 0..1_000 {
        match ingress.poll_output() {
            IngressOutput::Audio(chunk) => heard += chunk.samples(),
            IngressOutput::Tap(_) => {}
            IngressOutput::Timeout(Some(due)) if due <= now => ingress.handle_timeout(now),
            IngressOutput::Timeout(_) => return heard,
        }
    }
    panic!("the pipeline does not come to rest");
}

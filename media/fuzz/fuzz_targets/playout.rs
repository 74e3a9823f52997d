//! Whatever packets come, and whenever a listener pulls: the books of a playout buffer balance, and every frame is whole.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::codec::Codec;
use media::ingress::PayloadTypes;
use media::playout::{Playout, PlayoutConfig};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

// Each 8 bytes are a packet: what differs from its predecessor, how long after it, how long it is; and a pull behind it.
fuzz_target!(|script: &[u8]| {
    let mut playout = Playout::new(PlayoutConfig {
        codec: Codec::Pcma,
        payload_types: PayloadTypes { comfort_noise: Some(PayloadType::CN), ..PayloadTypes::audio(PayloadType::PCMA) },
        output: SampleRate::HZ_16000,
        frame: Duration::from_millis(20),
        seed: 1,
    })
    .expect("G.711 can be resampled to 16 kHz");
    let mut now = Instant::now();
    let mut header =
        RtpHeader { payload_type: PayloadType::PCMA, sequence: SequenceNumber(0), timestamp: RtpTimestamp(0), ssrc: Ssrc(0), marker: false };
    let mut heard = Vec::new();
    for &[kind, wait, sequence, sequence_high, timestamp, timestamp_high, length, ssrc] in script.as_chunks::<8>().0 {
        now += Duration::from_millis(u64::from(wait) * if kind & 1 == 0 { 1 } else { 40 });
        header.payload_type = [PayloadType::PCMA, PayloadType::PCMA, PayloadType::PCMU, PayloadType::CN][usize::from(kind >> 1 & 3)];
        let step = i16::from_le_bytes([sequence, if kind & 8 == 0 { 0 } else { sequence_high }]);
        header.sequence = SequenceNumber(header.sequence.0.wrapping_add_signed(step));
        let ticks = i32::from(i16::from_le_bytes([timestamp, timestamp_high])) << (kind >> 4 & 3);
        header.timestamp = RtpTimestamp(header.timestamp.0.wrapping_add_signed(ticks));
        header.ssrc = Ssrc(u32::from(ssrc == 255));
        playout.mute(kind & 0xc0 == 0xc0);
        playout.handle_packet(now, &RtpPacket { header, payload: &[0x2a; 4 * 255][..usize::from(length) * 4] });
        if kind & 0x80 == 0 {
            heard.clear();
            playout.pull(now, &mut heard);
            assert_eq!(heard.len(), 320);
        }
        let stats = playout.stats();
        let packets = stats.played + stats.late + stats.duplicate + stats.dropped + stats.rejected + stats.waiting;
        assert_eq!(stats.received, packets, "{stats:?}");
        assert!(stats.waiting <= 64, "{stats:?}");
    }
});

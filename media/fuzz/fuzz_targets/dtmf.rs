//! Whatever telephone-events come, and whenever: every key that begins ends, one at a time, and no flood is told.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use media::dtmf::{Digit, Edge, Receiver, ReceiverOutput};
use media::rtp::{RtpHeader, RtpPacket};
use media::units::{ClockRate, PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

// Each packet stands behind six octets: its SSRC, marker and time of coming, steps of its sequence number and timestamp, and its length.
fuzz_target!(|input: &[u8]| {
    let (&rate, mut rest) = input.split_first().unwrap_or((&0, &[]));
    let mut receiver = Receiver::new(ClockRate([8_000, 16_000, 48_000, 0][usize::from(rate & 3)]));
    let start = Instant::now();
    let (mut now, mut down) = (start, None);
    let mut header = RtpHeader {
        payload_type: PayloadType::from_low_bits(101),
        sequence: SequenceNumber(0),
        timestamp: RtpTimestamp(0),
        ssrc: Ssrc(0),
        marker: false,
    };
    while let [flags, wait, sequence, high, low, length, behind @ ..] = rest {
        let (payload, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        now += Duration::from_millis(u64::from(*wait));
        header.marker = flags & 1 != 0;
        header.ssrc = Ssrc(u32::from(flags >> 1 & 1));
        header.sequence = SequenceNumber(header.sequence.0.wrapping_add_signed(i16::from(*sequence as i8)));
        let step = i32::from(i16::from_be_bytes([*high, *low])) << (flags >> 4);
        header.timestamp = RtpTimestamp(header.timestamp.0.wrapping_add_signed(step));
        receiver.handle_packet(now, &RtpPacket { header, payload });
        drain(&mut receiver, &mut down);
    }
    now += Duration::from_secs(1);
    receiver.handle_timeout(now);
    assert_eq!(drain(&mut receiver, &mut down), None, "nothing holds a key down");
    assert_eq!(down, None);
    let allowed = 65 + (now - start).as_millis() / 40;
    assert!(u128::from(receiver.stats().keys) <= allowed, "{:?}", receiver.stats());
});

fn drain(receiver: &mut Receiver, down: &mut Option<Digit>) -> Option<Instant> {
    // A burst of keys, both edges, and the one before it.
    for _ in 0..=130 {
        match receiver.poll_output() {
            ReceiverOutput::Event(event) if event.edge == Edge::Began => assert_eq!(down.replace(event.digit), None),
            ReceiverOutput::Event(event) => assert_eq!(down.take(), Some(event.digit)),
            ReceiverOutput::Timeout(due) => return due,
        }
    }
    panic!("more events than may wait");
}

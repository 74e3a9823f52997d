//! A stream cut at other places gives the same frames, and what waits in it has a bound.
//!
//! The first byte says who opened the connection and how long the pieces are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip::transport::{Frame, Framer, FramingError, Side};

fuzz_target!(|input: &[u8]| {
    let Some((choice, stream)) = input.split_first() else { return };
    let side = if choice & 1 == 0 { Side::Accepted } else { Side::Opened };
    let piece = usize::from(choice >> 1) + 1;
    let byte_by_byte = frames(side, stream, 1);
    assert_eq!(frames(side, stream, piece), byte_by_byte, "other frames in pieces of {piece}");
    let bytes: usize =
        byte_by_byte.0.iter().map(|frame| if let Frame::Message(bytes) | Frame::Last(bytes) = frame { bytes.len() } else { 0 }).sum();
    assert!(bytes <= stream.len(), "more came out than went in");
    for frame in &byte_by_byte.0 {
        if let Frame::Message(bytes) = frame {
            let _ = sip::message::Message::parse_from_stream(bytes.clone());
        }
    }
});

fn frames(side: Side, stream: &[u8], piece: usize) -> (Vec<Frame>, Option<FramingError>) {
    let mut framer = Framer::new(side);
    let mut found = Vec::new();
    for part in stream.chunks(piece) {
        framer.push(part);
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

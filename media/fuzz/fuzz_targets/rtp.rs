//! A datagram that is read as RTP and written again is read alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::rtp::{RtpPacket, demux};

fuzz_target!(|datagram: &[u8]| {
    let _ = demux(datagram);
    if let Ok(packet) = RtpPacket::parse(datagram) {
        let mut written = Vec::new();
        packet.write(&mut written);
        assert_eq!(RtpPacket::parse(&written), Ok(packet));
        assert!(written.len() <= datagram.len());
    }
});

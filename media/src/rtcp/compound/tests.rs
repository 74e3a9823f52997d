use proptest::prelude::*;

use super::*;
use crate::rtcp::source_description::Chunk;

fn refused(datagram: &[u8]) -> Option<RtcpError> {
    parse(datagram, false).err()
}

fn count(datagram: &[u8]) -> usize {
    parse(datagram, false).unwrap().count()
}

const EMPTY_REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];

#[test]
fn four_octets_that_claim_a_sender_report_are_refused() {
    assert_eq!(refused(&[0x80, 200, 0, 0]), Some(RtcpError::Malformed { packet_type: 200 }));
    assert_eq!(refused(&[0x81, 200, 0, 6]), Some(RtcpError::Length { claimed: 28, left: 4 }));
}

#[test]
fn more_report_blocks_than_octets_are_refused() {
    let mut datagram = EMPTY_REPORT;
    datagram[0] = 0x9f;
    assert_eq!(refused(&datagram), Some(RtcpError::Malformed { packet_type: 201 }));
    assert_eq!(count(&EMPTY_REPORT), 1);
}

#[test]
fn a_compound_of_more_than_sixteen_packets_is_refused() {
    assert_eq!(count(&EMPTY_REPORT.repeat(16)), 16);
    assert_eq!(refused(&EMPTY_REPORT.repeat(17)), Some(RtcpError::TooMany));
}

#[test]
fn applications_packets_and_unknown_types_are_stepped_over() {
    for packet_type in [192, 204, 205, 206, 208, 223] {
        let mut datagram = EMPTY_REPORT.to_vec();
        datagram.extend_from_slice(&[0x9f, packet_type, 0, 2, 0, 0, 0, 1, b'N', b'A', b'M', b'E']);
        datagram.extend_from_slice(&EMPTY_REPORT);
        assert_eq!(count(&datagram), 2, "type {packet_type}");
    }
}

#[test]
fn only_packets_of_reduced_size_may_begin_with_anything_but_a_report() {
    for packet in
        [&[0x81, 203, 0, 1, 0, 0, 0, 1][..], &[0x80, 204, 0, 2, 0, 0, 0, 1, b'N', b'A', b'M', b'E'], &[0x80, 207, 0, 1, 0, 0, 0, 1]]
    {
        assert_eq!(refused(packet), Some(RtcpError::NoReport { packet_type: packet[1] }));
        assert!(parse(packet, true).is_ok());
        let behind_a_report = [&EMPTY_REPORT, packet].concat();
        assert!(parse(&behind_a_report, false).is_ok());
    }
}

#[test]
fn padding_stands_in_the_last_packet_only_and_is_not_read() {
    let bye = [0xa2, 203, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 8];
    let sources = |datagram: &[u8]| {
        parse(datagram, true).map(|mut packets| match packets.next() {
            Some(Packet::Goodbye(goodbye)) => goodbye.sources().count(),
            _ => panic!("no goodbye"),
        })
    };
    assert_eq!(sources(&bye), Ok(2));
    assert_eq!(sources(&[&bye[..], &EMPTY_REPORT].concat()), Err(RtcpError::Padding { packet_type: 203 }));
    for octets in [0, 17, 20, 255] {
        let mut bad = bye;
        bad[19] = octets;
        assert_eq!(sources(&bad), Err(RtcpError::Padding { packet_type: 203 }), "{octets} octets");
    }
    let mut filler = bye;
    filler[19] = 3;
    assert_eq!(sources(&filler), Ok(2), "as rtc-rtcp fills the last word of a reason");
    let mut eaten = bye;
    eaten[19] = 16;
    assert_eq!(sources(&eaten), Err(RtcpError::Malformed { packet_type: 203 }));
}

#[test]
fn every_truncation_of_a_compound_is_refused() {
    let mut datagram = vec![0x81, 201, 0, 7];
    datagram.extend_from_slice(&[1; 28]);
    datagram.extend_from_slice(&[0x81, 203, 0, 1, 0, 0, 0, 1]);
    for len in 0..datagram.len() {
        // Cut between two packets a compound is whole again.
        assert_eq!(parse(&datagram[..len], false).is_ok(), len == 32, "{len} octets");
    }
    assert!(parse(&datagram, false).is_ok());
}

#[test]
fn a_length_is_filled_in_behind_the_body() {
    let mut out = vec![9; 3];
    append(&mut out, RECEIVER_REPORT, 0, |out| out.extend_from_slice(&[0, 0, 0, 1]));
    assert_eq!(out[3..], EMPTY_REPORT);
}

/// Reads all that any of our readers would.
fn read_whole(datagram: &[u8]) {
    for packet in parse(datagram, true).into_iter().flatten() {
        match packet {
            Packet::SenderReport(report) => drop(report.blocks().count()),
            Packet::ReceiverReport(report) => drop(report.blocks().count()),
            Packet::SourceDescription(sdes) => assert!(sdes.chunks().filter_map(Chunk::cname).count() <= 31),
            Packet::Goodbye(goodbye) => drop(goodbye.sources().count()),
            Packet::Extended(extended) => drop(extended.blocks().count()),
        }
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused_without_a_panic(mut datagram in proptest::collection::vec(any::<u8>(), 0..256),
                                                      packet_type in 200u8..208, words in 0u8..40) {
        read_whole(&datagram);
        if let [flags, kind, high, low, ..] = &mut datagram[..] {
            (*flags, *kind, *high, *low) = (0x80 | *flags & 0x3f, packet_type, 0, words);
        }
        read_whole(&datagram);
    }
}

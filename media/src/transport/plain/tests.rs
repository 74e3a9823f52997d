use std::time::Duration;

use super::*;
use crate::rtp::RtpHeader;
use crate::transport::{Protocol, SourceRule, Transport};
use crate::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const LOCAL: &str = "192.0.2.1:16384";
const LOCAL_RTCP: &str = "192.0.2.1:16385";
const PEER: &str = "198.51.100.7:4000";
const PEER_RTCP: &str = "198.51.100.7:4001";

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn from(remote: &str) -> Flow {
    Flow { protocol: Protocol::Udp, local: address(LOCAL), remote: address(remote) }
}

fn transport(source: SourceRule) -> Transport {
    let config = PathConfig { local_rtp: address(LOCAL), local_rtcp: address(LOCAL_RTCP), source };
    let mut plain = Plain::new(config);
    plain.set_remote(address(PEER), address(PEER_RTCP));
    Transport::Plain(plain)
}

fn packet(ssrc: u32, sequence: u16) -> RtpPacket<'static> {
    let (sequence, timestamp) = (SequenceNumber(sequence), RtpTimestamp(u32::from(sequence) * 160));
    let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(ssrc), marker: false };
    RtpPacket { header, payload: b"twenty milliseconds" }
}

fn datagram(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut out = Vec::new();
    packet(ssrc, sequence).write(&mut out);
    out
}

const COMPOUND: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 9];

fn sent_to(transport: &mut Transport) -> Option<SocketAddr> {
    transport.poll_transmit().map(|transmit| transmit.flow.remote)
}

#[test]
fn a_packet_of_the_peer_comes_out_as_it_went_in_and_once() {
    let mut transport = transport(SourceRule::Address);
    transport.handle_datagram(start(), from(PEER), &datagram(1, 5)).unwrap();
    assert_eq!(transport.poll_inbound(), Some(Inbound::Rtp(packet(1, 5))));
    assert_eq!(transport.poll_inbound(), None);
}

#[test]
fn a_compound_of_the_peer_comes_out_by_either_port() {
    let mut transport = transport(SourceRule::Address);
    transport.handle_datagram(start(), from(PEER_RTCP), &COMPOUND).unwrap();
    assert_eq!(transport.poll_inbound(), Some(Inbound::Rtcp(&COMPOUND)));
}

#[test]
fn before_the_remote_is_known_nothing_is_taken_and_nothing_sent() {
    let config = PathConfig { local_rtp: address(LOCAL), local_rtcp: address(LOCAL_RTCP), source: SourceRule::Address };
    let mut transport = Transport::Plain(Plain::new(config));
    assert_eq!(transport.handle_datagram(start(), from(PEER), &datagram(1, 1)), Err(Discard::RemoteUnknown));
    transport.send_rtp(start(), &packet(2, 1));
    assert_eq!(transport.poll_transmit(), None);
    assert_eq!((transport.discards().remote_unknown, transport.discards().unsent), (1, 1));
}

#[test]
fn foreign_addresses_are_dropped_however_many_packets_they_send_and_nothing_is_sent_to_them() {
    let mut transport = transport(SourceRule::Address);
    for sequence in 0..1_000 {
        let foreign = from("203.0.113.66:4000");
        assert_eq!(transport.handle_datagram(start(), foreign, &datagram(1, sequence)), Err(Discard::ForeignAddress));
        assert_eq!(transport.poll_inbound(), None);
    }
    assert_eq!(transport.discards().foreign_address, 1_000);
    transport.send_rtp(start(), &packet(2, 1));
    assert_eq!(sent_to(&mut transport), Some(address(PEER)));
}

#[test]
fn foreign_datagrams_are_dropped_before_anything_is_read_of_them() {
    let mut transport = transport(SourceRule::Address);
    for junk in [&b""[..], b"\x00", &[0xff; 5_000], &COMPOUND[..4]] {
        assert_eq!(transport.handle_datagram(start(), from("203.0.113.66:1"), junk), Err(Discard::ForeignAddress));
    }
    assert_eq!(transport.discards().inbound(), transport.discards().foreign_address);
}

#[test]
fn the_port_is_learned_from_the_first_valid_packet_and_then_locked() {
    let mut transport = transport(SourceRule::Address);
    let learned = "198.51.100.7:50000";
    assert!(transport.handle_datagram(start(), from("198.51.100.7:9"), b"\x80\x00junk").is_err());
    transport.handle_datagram(start(), from(learned), &datagram(1, 1)).unwrap();
    transport.send_rtp(start(), &packet(2, 1));
    assert_eq!(sent_to(&mut transport), Some(address(learned)));
    assert_eq!(transport.handle_datagram(start(), from(PEER), &datagram(1, 2)), Err(Discard::ForeignPort));
    transport.handle_datagram(start(), from(learned), &datagram(1, 2)).unwrap();
}

#[test]
fn by_the_exact_rule_no_other_port_is_taken() {
    let mut transport = transport(SourceRule::Exact);
    assert_eq!(transport.handle_datagram(start(), from("198.51.100.7:4002"), &datagram(1, 1)), Err(Discard::ForeignPort));
    transport.handle_datagram(start(), from(PEER), &datagram(1, 1)).unwrap();
    assert_eq!(transport.handle_datagram(start(), from(PEER), &COMPOUND), Err(Discard::ForeignPort));
    transport.handle_datagram(start(), from(PEER_RTCP), &COMPOUND).unwrap();
}

#[test]
fn rtcp_that_came_first_does_not_lock_the_port_of_rtp() {
    let mut transport = transport(SourceRule::Address);
    transport.set_remote(address(PEER), address(PEER));
    transport.handle_datagram(start(), from(PEER_RTCP), &COMPOUND).unwrap();
    transport.handle_datagram(start(), from(PEER), &datagram(1, 1)).unwrap();
}

#[test]
fn where_rtp_and_rtcp_share_a_port_reports_follow_the_learned_port_of_rtp() {
    let mut transport = transport(SourceRule::Address);
    transport.set_remote(address(PEER), address(PEER));
    transport.handle_datagram(start(), from("198.51.100.7:50000"), &datagram(1, 1)).unwrap();
    transport.send_rtcp(start(), &COMPOUND);
    let transmit = transport.poll_transmit().unwrap();
    assert_eq!((transmit.flow.local, transmit.flow.remote), (address(LOCAL), address("198.51.100.7:50000")));
}

#[test]
fn reports_go_from_our_rtcp_port_to_the_peers() {
    let mut transport = transport(SourceRule::Address);
    transport.send_rtcp(start(), &COMPOUND);
    let transmit = transport.poll_transmit().unwrap();
    assert_eq!((transmit.flow.local, transmit.flow.remote), (address(LOCAL_RTCP), address(PEER_RTCP)));
    assert_eq!(transmit.bytes, COMPOUND);
}

#[test]
fn a_restart_of_the_peers_stream_is_heard_within_two_packets() {
    let mut transport = transport(SourceRule::Address);
    let now = start();
    transport.handle_datagram(now, from(PEER), &datagram(1, 1)).unwrap();
    let restart = now + Duration::from_millis(20);
    assert_eq!(transport.handle_datagram(restart, from(PEER), &datagram(2, 700)), Err(Discard::ForeignStream));
    transport.handle_datagram(restart + Duration::from_millis(20), from(PEER), &datagram(2, 701)).unwrap();
    assert_eq!(transport.discards().foreign_stream, 1);
}

#[test]
fn a_mapped_address_of_a_dual_socket_is_the_peers() {
    let mut transport = transport(SourceRule::Address);
    transport.handle_datagram(start(), from("[::ffff:198.51.100.7]:4000"), &datagram(1, 1)).unwrap();
}

#[test]
fn the_same_remote_again_keeps_what_was_learned_and_another_does_not() {
    let mut transport = transport(SourceRule::Address);
    let learned = "198.51.100.7:50000";
    transport.handle_datagram(start(), from(learned), &datagram(1, 1)).unwrap();
    transport.set_remote(address(PEER), address(PEER_RTCP));
    transport.send_rtp(start(), &packet(2, 1));
    assert_eq!(sent_to(&mut transport), Some(address(learned)));
    transport.set_remote(address("198.51.100.8:6000"), address("198.51.100.8:6001"));
    transport.send_rtp(start(), &packet(2, 2));
    assert_eq!(sent_to(&mut transport), Some(address("198.51.100.8:6000")));
    transport.handle_datagram(start(), from("198.51.100.8:6000"), &datagram(9, 1)).unwrap();
}

#[test]
fn a_peer_on_hold_by_the_unspecified_address_is_sent_nothing() {
    let mut transport = transport(SourceRule::Address);
    transport.set_remote(address("0.0.0.0:4000"), address("0.0.0.0:4001"));
    transport.send_rtp(start(), &packet(2, 1));
    assert_eq!(transport.poll_transmit(), None);
    assert_eq!(transport.discards().unsent, 1);
}

#[test]
fn junk_of_the_peer_is_counted_by_its_reason() {
    let mut transport = transport(SourceRule::Address);
    let mut give = |datagram: &[u8]| transport.handle_datagram(start(), from(PEER), datagram).unwrap_err();
    assert_eq!(give(b""), Discard::Junk);
    assert_eq!(give(&[0x00, 0x01, 0, 0]), Discard::Junk);
    assert_eq!(give(&[0x80, 0, 1]), Discard::Rtp(crate::rtp::RtpError::Truncated { len: 3 }));
    assert_eq!(give(&[0x80, 200, 0, 0]), Discard::Rtcp);
    assert_eq!(give(&[0x80, 200, 0, 6, 0, 0, 0, 0]), Discard::Rtcp);
    assert_eq!(give(&[0x80; 2_049]), Discard::TooLong { len: 2_049 });
    let counts = transport.discards();
    assert_eq!((counts.junk, counts.malformed_rtp, counts.malformed_rtcp, counts.too_long), (2, 1, 2, 1));
    assert_eq!(counts.inbound(), 6);
}

#[test]
fn every_truncation_of_a_packet_is_taken_or_counted() {
    let mut transport = transport(SourceRule::Address);
    let whole = datagram(1, 1);
    for len in 0..=whole.len() {
        let taken = transport.handle_datagram(start(), from(PEER), &whole[..len]).is_ok();
        assert_eq!(taken, len >= 12, "{len} octets");
        assert_eq!(transport.poll_inbound().is_some(), taken);
    }
}

#[test]
fn a_full_queue_drops_its_oldest_datagram_and_counts_it() {
    let mut transport = transport(SourceRule::Address);
    for sequence in 0..70 {
        transport.send_rtp(start(), &packet(2, sequence));
    }
    assert_eq!(transport.discards().overflowed, 6);
    let mut sequence = 6;
    while let Some(transmit) = transport.poll_transmit() {
        assert_eq!(RtpPacket::parse(transmit.bytes).unwrap(), packet(2, sequence));
        sequence += 1;
    }
    assert_eq!(sequence, 70);
}

const TRANSLATED: &str = "203.0.113.9:50000";
const STRANGER: &str = "203.0.113.66:4000";

/// Hands in `count` packets of one stream, 20 ms apart, and says how many were taken.
fn receive(transport: &mut Transport, now: &mut Instant, remote: &str, ssrc: u32, count: u16) -> usize {
    let taken = (0..count).filter(|n| {
        *now += Duration::from_millis(20);
        transport.handle_datagram(*now, from(remote), &datagram(ssrc, 100 + n)).is_ok()
    });
    taken.count()
}

#[test]
fn behind_a_translator_the_source_is_learned_by_five_packets_and_then_locked() {
    let (mut transport, mut now) = (transport(SourceRule::Learn), start());
    assert_eq!(receive(&mut transport, &mut now, TRANSLATED, 1, 4), 4);
    transport.send_rtp(now, &packet(2, 1));
    assert_eq!(sent_to(&mut transport), None, "not before the source is known");
    assert_eq!(receive(&mut transport, &mut now, STRANGER, 7, 1), 0);
    transport.handle_datagram(now, from(TRANSLATED), &datagram(1, 104)).unwrap();
    transport.send_rtp(now, &packet(2, 2));
    assert_eq!(sent_to(&mut transport), Some(address(TRANSLATED)));
    assert_eq!(receive(&mut transport, &mut now, STRANGER, 1, 1_000), 0);
    assert_eq!(receive(&mut transport, &mut now, PEER, 1, 1_000), 0, "locked is locked");
}

#[test]
fn a_stranger_who_is_first_but_stops_is_forgotten_and_one_who_goes_on_gives_way_to_the_address_named() {
    let (mut transport, mut now) = (transport(SourceRule::Learn), start());
    assert_eq!(receive(&mut transport, &mut now, STRANGER, 7, 3), 3);
    now += Duration::from_millis(500);
    assert_eq!(receive(&mut transport, &mut now, TRANSLATED, 1, 50), 50);

    let (mut transport, mut now) = (self::transport(SourceRule::Learn), start());
    assert_eq!(receive(&mut transport, &mut now, STRANGER, 7, 4), 4);
    assert_eq!(receive(&mut transport, &mut now, PEER, 1, 50), 50);
    assert_eq!(receive(&mut transport, &mut now, STRANGER, 7, 50), 0);
    transport.send_rtp(now, &packet(2, 1));
    assert_eq!(sent_to(&mut transport), Some(address(PEER)));
}

#[test]
fn a_silent_peer_behind_a_translator_is_sent_audio_after_two_seconds() {
    let (mut transport, now) = (transport(SourceRule::Learn), start());
    for (after, to) in [(0, None), (1_999, None), (2_000, Some(address(PEER)))] {
        transport.send_rtp(now + Duration::from_millis(after), &packet(2, 1));
        assert_eq!(sent_to(&mut transport), to, "{after} ms");
    }
}

#[test]
fn rtcp_follows_rtp_to_the_host_that_was_learned() {
    let (mut transport, mut now) = (transport(SourceRule::Learn), start());
    assert_eq!(transport.handle_datagram(now, from("203.0.113.9:50001"), &COMPOUND), Err(Discard::ForeignAddress));
    receive(&mut transport, &mut now, TRANSLATED, 1, 5);
    transport.handle_datagram(now, from("203.0.113.9:50001"), &COMPOUND).unwrap();
    transport.send_rtcp(now, &COMPOUND);
    assert_eq!(sent_to(&mut transport), Some(address("203.0.113.9:50001")));
    assert_eq!(transport.handle_datagram(now, from(STRANGER), &COMPOUND), Err(Discard::ForeignAddress));
}

#[test]
fn a_silent_peer_that_is_known_by_its_address_is_sent_audio_at_once() {
    for rule in [SourceRule::Exact, SourceRule::Address] {
        let mut transport = transport(rule);
        transport.send_rtp(start(), &packet(2, 1));
        assert_eq!(sent_to(&mut transport), Some(address(PEER)));
    }
}

#[test]
fn a_description_that_says_the_same_again_forgets_nothing_that_was_learned() {
    let (mut transport, mut now) = (transport(SourceRule::Learn), start());
    receive(&mut transport, &mut now, TRANSLATED, 1, 5);
    transport.set_remote(address(PEER), address(PEER_RTCP));
    transport.send_rtp(now, &packet(2, 1));
    assert_eq!(sent_to(&mut transport), Some(address(TRANSLATED)));
    assert_eq!(receive(&mut transport, &mut now, STRANGER, 7, 50), 0, "nor is anything to be learned anew");
}

#[test]
fn rtcp_that_has_a_host_of_its_own_stays_there() {
    let mut transport = transport(SourceRule::Address);
    transport.set_remote(address(PEER), address("203.0.113.9:4007"));
    transport.handle_datagram(start(), from(PEER), &datagram(1, 5)).unwrap();
    transport.send_rtcp(start(), &COMPOUND);
    assert_eq!(sent_to(&mut transport), Some(address("203.0.113.9:4007")));
    transport.handle_datagram(start(), from("203.0.113.9:4007"), &COMPOUND).unwrap();
}

#[test]
fn what_a_former_far_end_still_sends_is_not_taken_for_the_next_ones() {
    for source in [SourceRule::Address, SourceRule::Learn] {
        let (mut transport, now) = (transport(source), start());
        let former = "198.51.100.7:4006";
        transport.handle_datagram(now, from(former), &datagram(1, 5)).unwrap();
        transport.part(now, source);
        transport.set_remote(address("198.51.100.7:5000"), address("198.51.100.7:5001"));
        for n in 6..200 {
            assert_eq!(transport.handle_datagram(now, from(former), &datagram(1, n)), Err(Discard::ForeignPort), "{source:?}");
        }
        transport.handle_datagram(now, from("198.51.100.7:5004"), &datagram(2, 7)).unwrap();
        transport.send_rtp(now, &packet(3, 1));
        assert_eq!(sent_to(&mut transport), Some(address("198.51.100.7:5004")), "{source:?}");
        // The same addresses again forget nothing.
        transport.set_remote(address("198.51.100.7:5000"), address("198.51.100.7:5001"));
        transport.send_rtp(now, &packet(3, 2));
        assert_eq!(sent_to(&mut transport), Some(address("198.51.100.7:5004")), "{source:?}");
    }
}

#[test]
fn the_port_of_a_former_far_end_may_be_the_next_ones_once_that_one_has_fallen_silent() {
    let (mut transport, now, translated) = (transport(SourceRule::Address), start(), "198.51.100.7:4006");
    transport.handle_datagram(now, from(translated), &datagram(1, 5)).unwrap();
    transport.part(now, SourceRule::Address);
    transport.set_remote(address("198.51.100.7:5000"), address("198.51.100.7:5001"));
    let later = |seconds| now + Duration::from_secs(seconds);
    assert_eq!(transport.handle_datagram(later(9), from(translated), &datagram(2, 7)), Err(Discard::ForeignPort));
    transport.handle_datagram(later(10), from(translated), &datagram(2, 8)).unwrap();
}

#[test]
fn a_far_end_that_takes_over_another_ones_port_is_heard_there() {
    let (mut transport, now) = (transport(SourceRule::Address), start());
    transport.handle_datagram(now, from(PEER), &datagram(1, 5)).unwrap();
    transport.part(now, SourceRule::Exact);
    transport.set_remote(address(PEER), address(PEER_RTCP));
    transport.handle_datagram(now, from(PEER), &datagram(2, 7)).unwrap();
    assert_eq!(transport.handle_datagram(now, from("198.51.100.7:4006"), &datagram(2, 8)), Err(Discard::ForeignPort));
}

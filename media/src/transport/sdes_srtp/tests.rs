use super::*;
use crate::rtp::RtpHeader;
use crate::srtp::{CryptoSuite, KeySeed, MasterKey};
use crate::transport::{Plain, Protocol, SourceRule, Transport};
use crate::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

const LOCAL: &str = "192.0.2.1:16384";
const LOCAL_RTCP: &str = "192.0.2.1:16385";
const PEER: &str = "198.51.100.7:4000";
const PEER_RTCP: &str = "198.51.100.7:4001";
const PTIME: Duration = Duration::from_millis(20);
const COMPOUND: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 9];

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

fn config() -> PathConfig {
    PathConfig { local_rtp: address(LOCAL), local_rtcp: address(LOCAL_RTCP), source: SourceRule::Address }
}

/// Our keys of the n-th agreement; the peer's are the same, turned round.
fn keys(suite: CryptoSuite, local: u64, remote: u64) -> SdesKeys {
    let seed = KeySeed::new([3; 32]);
    SdesKeys { local: MasterKey::generate(suite, &seed, local, 1), remote: MasterKey::generate(suite, &seed, remote, 2) }
}

const SUITE: CryptoSuite = CryptoSuite::AesCm128HmacSha1_80;

/// Our transport, and what the peer protects with.
fn pair(suite: CryptoSuite) -> (Transport, Sender) {
    let keys = keys(suite, 0, 0);
    let mut sdes = SdesSrtp::new(config(), &keys);
    sdes.set_remote(address(PEER), address(PEER_RTCP));
    (Transport::Sdes(sdes), Sender::new(&keys.remote))
}

fn packet(ssrc: u32, sequence: u16) -> RtpPacket<'static> {
    let (sequence, timestamp) = (SequenceNumber(sequence), RtpTimestamp(u32::from(sequence) * 160));
    let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(ssrc), marker: false };
    RtpPacket { header, payload: b"twenty milliseconds" }
}

fn clear(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut out = Vec::new();
    packet(ssrc, sequence).write(&mut out);
    out
}

fn sealed(sender: &mut Sender, ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut out = clear(ssrc, sequence);
    sender.seal_rtp(&mut out).unwrap();
    out
}

fn sealed_compound(sender: &mut Sender) -> Vec<u8> {
    let mut out = COMPOUND.to_vec();
    sender.seal_rtcp(&mut out).unwrap();
    out
}

fn sent_to(transport: &mut Transport) -> Option<SocketAddr> {
    transport.send_rtp(start(), &packet(2, 1));
    let sent = transport.poll_transmit().map(|transmit| transmit.flow.remote);
    assert!(transport.poll_transmit().is_none());
    sent
}

#[test]
fn packets_and_compounds_of_the_peer_come_out_in_clear_and_once() {
    for suite in CryptoSuite::ALL {
        let (mut transport, mut peer) = pair(suite);
        transport.handle_datagram(start(), from(PEER), &sealed(&mut peer, 1, 5)).unwrap();
        assert_eq!(transport.poll_inbound(), Some(Inbound::Rtp(packet(1, 5))));
        assert_eq!(transport.poll_inbound(), None);
        transport.handle_datagram(start(), from(PEER_RTCP), &sealed_compound(&mut peer)).unwrap();
        assert_eq!(transport.poll_inbound(), Some(Inbound::Rtcp(&COMPOUND)));
    }
}

#[test]
fn what_is_sent_only_the_peer_can_read() {
    for suite in CryptoSuite::ALL {
        let ((mut transport, _), mut receiver) = (pair(suite), Receiver::new(&keys(suite, 0, 0).local));
        transport.send_rtp(start(), &packet(2, 1));
        transport.send_rtcp(start(), &COMPOUND);
        let mut out = Vec::new();
        let transmit = transport.poll_transmit().unwrap();
        assert!(!transmit.bytes.windows(6).any(|octets| octets == b"twenty"));
        assert_eq!(receiver.open_rtp(start(), transmit.bytes, &mut out), Ok(()));
        assert_eq!(out, clear(2, 1));
        let transmit = transport.poll_transmit().unwrap();
        assert_eq!((transmit.flow.local, transmit.flow.remote), (address(LOCAL_RTCP), address(PEER_RTCP)));
        assert_eq!(receiver.open_rtcp(transmit.bytes, &mut out), Ok(()));
        assert_eq!(out, COMPOUND);
    }
}

#[test]
fn of_packets_injected_from_other_addresses_none_is_heard_and_nothing_is_sent_there() {
    let (mut transport, mut peer) = pair(SUITE);
    let captured: Vec<_> = (0..1_000).map(|n| sealed(&mut peer, 1, n)).collect();
    for (n, captured) in captured.iter().enumerate() {
        let stranger = if n % 2 == 0 { "203.0.113.66:4000" } else { "203.0.113.66:50000" };
        assert_eq!(transport.handle_datagram(start(), from(stranger), captured), Err(Discard::ForeignAddress));
        assert_eq!(sent_to(&mut transport), Some(address(PEER)));
    }
    // None of it was used up: the same packets of the peer are heard.
    assert!(captured.iter().all(|captured| transport.handle_datagram(start(), from(PEER), captured).is_ok()));
}

#[test]
fn only_an_authentic_packet_teaches_the_port() {
    let (mut transport, mut peer) = pair(SUITE);
    let (attacker, true_port) = ("198.51.100.7:6666", "198.51.100.7:50000");
    let mut stranger = Sender::new(&keys(SUITE, 0, 77).remote);
    for n in 0..100 {
        assert!(transport.handle_datagram(start(), from(attacker), &clear(1, n)).is_err());
        assert!(transport.handle_datagram(start(), from(attacker), &sealed(&mut stranger, 1, n)).is_err());
        assert!(transport.handle_datagram(start(), from(attacker), &sealed_compound(&mut stranger)).is_err());
        assert_eq!(sent_to(&mut transport), Some(address(PEER)));
    }
    transport.handle_datagram(start(), from(true_port), &sealed(&mut peer, 1, 1)).unwrap();
    assert_eq!(sent_to(&mut transport), Some(address(true_port)));
    assert_eq!(transport.handle_datagram(start(), from(attacker), &sealed(&mut peer, 1, 2)), Err(Discard::ForeignPort));
}

#[test]
fn a_forged_stream_never_takes_the_lock() {
    let (mut transport, mut peer) = pair(SUITE);
    let mut stranger = Sender::new(&keys(SUITE, 0, 77).remote);
    let begin = start();
    for n in 0..200 {
        let now = begin + PTIME * u32::from(n);
        transport.handle_datagram(now, from(PEER), &sealed(&mut peer, 1, n)).unwrap();
        for forged in [sealed(&mut stranger, 1, n + 1), sealed(&mut stranger, 2, n), clear(3, n)] {
            assert_eq!(transport.handle_datagram(now, from(PEER), &forged), Err(Discard::Srtp(SrtpError::NotAuthentic)));
        }
    }
    assert_eq!(transport.discards().unauthentic, 600);
}

#[test]
fn a_thousand_errors_of_every_kind_end_nothing_and_are_counted() {
    let (mut transport, mut peer) = pair(SUITE);
    let (first, report) = (sealed(&mut peer, 1, 0), sealed_compound(&mut peer));
    transport.handle_datagram(start(), from(PEER), &first).unwrap();
    transport.handle_datagram(start(), from(PEER_RTCP), &report).unwrap();
    for _ in 0..1_000 {
        for (port, bad) in [(PEER, &first[..]), (PEER, &first[..20]), (PEER, b"\x80\x00junk"), (PEER_RTCP, &report), (PEER_RTCP, &COMPOUND)]
        {
            assert!(transport.handle_datagram(start(), from(port), bad).is_err());
            assert_eq!(transport.poll_inbound(), None);
        }
    }
    let counts = transport.discards();
    assert_eq!((counts.replayed, counts.unauthentic, counts.malformed_rtp), (2_000, 2_000, 1_000));
    assert_eq!(counts.inbound(), 5_000);
    transport.handle_datagram(start(), from(PEER), &sealed(&mut peer, 1, 1)).unwrap();
    assert_eq!(transport.poll_inbound(), Some(Inbound::Rtp(packet(1, 1))));
}

#[test]
fn every_truncation_of_a_packet_is_counted_and_the_whole_one_taken() {
    for suite in CryptoSuite::ALL {
        let (mut transport, mut peer) = pair(suite);
        let (rtp, rtcp) = (sealed(&mut peer, 1, 1), sealed_compound(&mut peer));
        for (port, whole) in [(PEER, &rtp), (PEER_RTCP, &rtcp)] {
            for len in 0..whole.len() {
                assert!(transport.handle_datagram(start(), from(port), &whole[..len]).is_err(), "{} {len}", suite.name());
            }
            transport.handle_datagram(start(), from(port), whole).unwrap();
        }
        assert_eq!(transport.discards().inbound(), (rtp.len() + rtcp.len()) as u64);
    }
}

#[test]
fn authentic_packets_with_padding_are_read_and_with_wrong_padding_counted_as_malformed() {
    let (mut transport, mut peer) = pair(SUITE);
    let mut padded = clear(1, 1);
    padded[0] |= 0x20;
    padded.extend_from_slice(&[0, 0, 0, 4]);
    let mut wrong = padded.clone();
    wrong[3] = 2;
    *wrong.last_mut().unwrap() = 200;
    peer.seal_rtp(&mut padded).unwrap();
    peer.seal_rtp(&mut wrong).unwrap();
    transport.handle_datagram(start(), from(PEER), &padded).unwrap();
    assert_eq!(transport.poll_inbound(), Some(Inbound::Rtp(packet(1, 1))));
    assert!(matches!(transport.handle_datagram(start(), from(PEER), &wrong), Err(Discard::Rtp(_))));
}

#[test]
fn a_change_of_source_is_heard_within_two_packets_and_across_a_roll_over() {
    let (mut transport, mut peer) = pair(SUITE);
    let (begin, mut lost) = (start(), 0);
    for n in 0..200_u32 {
        let (ssrc, sequence) = (1 + n / 50, (65_500 + n) as u16);
        let heard = transport.handle_datagram(begin + PTIME * n, from(PEER), &sealed(&mut peer, ssrc, sequence));
        lost += u32::from(heard.is_err());
    }
    assert_eq!((lost, transport.discards().foreign_stream), (3, 3));
}

#[test]
fn a_new_key_of_the_peer_is_taken_at_once_and_the_old_one_for_ten_seconds_more() {
    let (mut transport, mut old) = pair(SUITE);
    let (now, new_keys) = (start(), keys(SUITE, 0, 1));
    transport.handle_datagram(now, from(PEER), &sealed(&mut old, 1, 10)).unwrap();
    assert_eq!(transport.poll_timeout(), None);
    transport.set_keys(now, Some(&new_keys));
    assert_eq!(transport.poll_timeout(), Some(now + SdesSrtp::RETIRED_KEY_TIME));
    let mut new = Sender::new(&new_keys.remote);
    let mut again = Sender::new(&keys(SUITE, 0, 0).remote);
    assert_eq!(transport.handle_datagram(now, from(PEER), &sealed(&mut again, 1, 10)).unwrap_err(), Discard::Srtp(SrtpError::NotAuthentic));
    transport.handle_datagram(now, from(PEER), &sealed(&mut new, 1, 12)).unwrap();
    transport.handle_datagram(now, from(PEER), &sealed(&mut old, 1, 11)).unwrap();
    transport.handle_datagram(now, from(PEER), &sealed(&mut new, 1, 13)).unwrap();
    let late = now + SdesSrtp::RETIRED_KEY_TIME;
    assert!(transport.handle_datagram(late, from(PEER), &sealed(&mut old, 1, 14)).is_err());
    transport.handle_timeout(late);
    assert_eq!(transport.poll_timeout(), None);
    transport.handle_datagram(late, from(PEER), &sealed(&mut new, 1, 15)).unwrap();
}

#[test]
fn keys_that_come_again_unchanged_forget_neither_replay_nor_roll_overs() {
    let (mut transport, mut peer) = pair(SUITE);
    let mut receiver = Receiver::new(&keys(SUITE, 0, 0).local);
    let first = sealed(&mut peer, 1, 65_535);
    transport.handle_datagram(start(), from(PEER), &first).unwrap();
    transport.send_rtp(start(), &packet(2, 65_535));
    transport.set_keys(start(), Some(&keys(SUITE, 0, 0)));
    assert_eq!(transport.handle_datagram(start(), from(PEER), &first), Err(Discard::Srtp(SrtpError::Replayed)));
    transport.handle_datagram(start(), from(PEER), &sealed(&mut peer, 1, 0)).unwrap();
    transport.send_rtp(start(), &packet(2, 0));
    let mut out = Vec::new();
    while let Some(transmit) = transport.poll_transmit() {
        assert_eq!(receiver.open_rtp(start(), transmit.bytes, &mut out), Ok(()));
    }
    assert_eq!(out, clear(2, 0));
}

#[test]
fn a_new_key_of_ours_protects_from_then_on_with_no_roll_over() {
    let (mut transport, _) = pair(SUITE);
    transport.send_rtp(start(), &packet(2, 65_535));
    transport.send_rtp(start(), &packet(2, 0));
    while transport.poll_transmit().is_some() {}
    let (new, other_suite) = (keys(SUITE, 1, 0), keys(CryptoSuite::AeadAes256Gcm, 2, 0));
    for keys in [new, other_suite] {
        transport.set_keys(start(), Some(&keys));
        transport.send_rtp(start(), &packet(2, 1));
        let sent = transport.poll_transmit().unwrap().bytes.to_vec();
        let mut by_oracle = clear(2, 1);
        Sender::new(&keys.local).seal_rtp(&mut by_oracle).unwrap();
        assert_eq!(sent, by_oracle);
    }
}

#[test]
fn from_plain_to_protected_and_back_the_peer_stays_and_what_was_learned_in_clear_does_not() {
    let mut plain = Plain::new(config());
    plain.set_remote(address(PEER), address(PEER_RTCP));
    let mut transport = Transport::Plain(plain);
    let (attacker, keys) = ("198.51.100.7:6666", keys(SUITE, 0, 0));
    transport.handle_datagram(start(), from(attacker), &clear(1, 1)).unwrap();
    assert_eq!(sent_to(&mut transport), Some(address(attacker)));
    transport.set_keys(start(), Some(&keys));
    assert_eq!(transport.poll_inbound(), None);
    assert_eq!(sent_to(&mut transport), Some(address(PEER)));
    assert!(transport.handle_datagram(start(), from(PEER), &clear(1, 2)).is_err());
    transport.handle_datagram(start(), from(PEER), &sealed(&mut Sender::new(&keys.remote), 1, 2)).unwrap();
    assert_eq!(transport.discards().unauthentic, 1);
    transport.set_keys(start(), None);
    transport.handle_datagram(start(), from(PEER), &clear(1, 3)).unwrap();
    assert_eq!(transport.discards().unauthentic, 1, "the counts go on");
}

#[test]
fn nothing_of_a_transport_prints_its_keys() {
    let (transport, _) = pair(SUITE);
    let keys = keys(SUITE, 0, 0);
    let shown = format!("{transport:?}");
    for key in [&keys.local, &keys.remote] {
        let octets = format!("{:?}", &key.expose()[..4]);
        assert!(!shown.contains(octets.trim_matches(['[', ']'])), "{shown}");
    }
}

#[test]
fn behind_a_translator_only_authentic_packets_teach_the_source() {
    let keys = keys(SUITE, 0, 0);
    let mut sdes = SdesSrtp::new(PathConfig { source: SourceRule::Learn, ..config() }, &keys);
    sdes.set_remote(address(PEER), address(PEER_RTCP));
    let (mut transport, mut sender) = (Transport::Sdes(sdes), Sender::new(&keys.remote));
    for n in 0..100 {
        assert!(transport.handle_datagram(start(), from("203.0.113.66:4000"), &clear(7, n)).is_err());
    }
    assert_eq!(sent_to(&mut transport), None);
    for n in 0..5 {
        transport.handle_datagram(start(), from("203.0.113.9:50000"), &sealed(&mut sender, 1, n)).unwrap();
    }
    assert_eq!(sent_to(&mut transport), Some(address("203.0.113.9:50000")));
}

#[test]
fn the_key_of_a_former_far_end_opens_nothing_once_another_has_taken_its_place() {
    let (mut transport, mut former) = pair(SUITE);
    let now = start();
    transport.handle_datagram(now, from(PEER), &sealed(&mut former, 1, 5)).unwrap();
    let other = keys(SUITE, 1, 1);
    transport.part(now, SourceRule::Learn);
    transport.set_keys(now, Some(&other));
    transport.set_remote(address("203.0.113.9:5000"), address("203.0.113.9:5001"));
    for remote in [PEER, "198.51.100.7:4002", "203.0.113.9:5000"] {
        assert!(transport.handle_datagram(now, from(remote), &sealed(&mut former, 1, 6)).is_err(), "{remote}");
    }
    let mut sender = Sender::new(&other.remote);
    transport.handle_datagram(now, from("203.0.113.9:5000"), &sealed(&mut sender, 2, 7)).unwrap();
    assert_eq!(sent_to(&mut transport), Some(address("203.0.113.9:5000")));
}

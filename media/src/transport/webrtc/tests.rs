//! A browser of a few lines against the transport: ICE by hand, DTLS by the library's client, SRTP by our own.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;

use super::dtls::keys;
use super::{DtlsError, DtlsIdentity, WebRtc, WebRtcError, WebRtcEvent, WebRtcSetup};
use crate::ice::IceCredentials;
use crate::ice::stun::{self, Attribute, Class, Message, TransactionId};
use crate::rtp::{RtpHeader, RtpPacket};
use crate::sdp::IcePassword;
use crate::srtp::{Receiver, Sender};
use crate::transport::{Discard, Flow, Inbound, Protocol};
use crate::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

const HOME: &str = "198.51.100.7:50000";
const STRANGER: &str = "203.0.113.66:6666";

fn flow(remote: &str) -> Flow {
    let remote: SocketAddr = remote.parse().unwrap();
    Flow { protocol: Protocol::Udp, local: "192.0.2.1:16000".parse().unwrap(), remote }
}

/// The far end and the transport, and what is on the wire between them.
struct Pair {
    now: Instant,
    gateway: WebRtc,
    client: Endpoint,
    ours: IceCredentials,
    theirs: IceCredentials,
    drawn: u8,
    events: Vec<WebRtcEvent>,
    srtp: Option<(Sender, Receiver)>,
    received: Vec<Vec<u8>>,
    server: SocketAddr,
}

impl Pair {
    /// A peer that shows `shown` and whose description names `named`.
    fn new(named: &DtlsIdentity, shown: &DtlsIdentity, profile: SrtpProtectionProfile) -> Self {
        let now = start();
        let credentials =
            |ufrag: &str| IceCredentials { ufrag: ufrag.to_owned(), password: IcePassword::new(&format!("{ufrag} and a long password")) };
        let (ours, theirs) = (credentials("route001gen0"), credentials("peer"));
        let identity = DtlsIdentity::generate().unwrap();
        let setup = WebRtcSetup {
            local: ours.clone(),
            remote: theirs.clone(),
            fingerprints: vec![named.fingerprint().clone()],
            channels: true,
            seed: [1; 32],
        };
        let gateway = WebRtc::new(now, &identity, setup).unwrap();
        let server: SocketAddr = "192.0.2.1:16000".parse().unwrap();
        let mut client = Endpoint::new(HOME.parse().unwrap(), TransportProtocol::UDP, None);
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&shown.provider))
            .with_certificates(vec![shown.certificate.clone()])
            .with_srtp_protection_profiles(vec![profile])
            .with_insecure_skip_verify(true)
            .build(true, None)
            .unwrap();
        client.connect(now, server, Arc::new(config), None).unwrap();
        Self { now, gateway, client, ours, theirs, drawn: 0, events: Vec::new(), srtp: None, received: Vec::new(), server }
    }

    fn usual() -> Self {
        let identity = DtlsIdentity::generate().unwrap();
        Self::new(&identity, &identity, SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm)
    }

    fn check(&mut self, path: &str, wanted: bool) {
        self.drawn += 1;
        let mut attributes =
            vec![Attribute::Username(&self.ours.ufrag, &self.theirs.ufrag), Attribute::Priority(1), Attribute::Controlling(9)];
        attributes.extend(wanted.then_some(Attribute::UseCandidate));
        let mut octets = Vec::new();
        stun::write(&mut octets, Class::Request, TransactionId([self.drawn; 12]), &attributes, self.ours.password.expose().as_bytes());
        self.gateway.handle_datagram(self.now, flow(path), &octets).unwrap();
    }

    /// Lets both sides speak until neither has anything to say. What the gateway sends to `path` arrives.
    fn settle(&mut self, path: &str) {
        loop {
            let mut moved = false;
            let mut to_client = VecDeque::new();
            while let Some(transmit) = self.gateway.poll_transmit() {
                assert!([HOME, STRANGER].contains(&transmit.flow.remote.to_string().as_str()));
                if transmit.flow == flow(path) {
                    to_client.push_back(transmit.bytes.to_vec());
                }
            }
            for datagram in to_client {
                moved = true;
                self.receive(path, &datagram);
            }
            while let Some(transmit) = self.client.poll_transmit() {
                moved = true;
                let _ = self.gateway.handle_datagram(self.now, flow(path), &transmit.message);
            }
            self.events.extend(std::iter::from_fn(|| self.gateway.poll_event()));
            if !moved {
                return;
            }
        }
    }

    fn receive(&mut self, path: &str, datagram: &[u8]) {
        match datagram[0] {
            0..=3 => {
                let message = Message::parse(datagram).unwrap();
                if message.class == Class::Request {
                    let mut answer = Vec::new();
                    let key = self.theirs.password.expose().as_bytes();
                    stun::write(&mut answer, Class::Success, message.transaction, &[Attribute::Mapped(self.server)], key);
                    self.gateway.handle_datagram(self.now, flow(path), &answer).unwrap();
                }
            }
            20..=63 => {
                let events = self.client.read(self.now, self.server, None, BytesMut::from(datagram)).unwrap_or_default();
                if events.iter().any(|event| matches!(event, EndpointEvent::HandshakeComplete)) {
                    // Both sides derive the same; what is ours here is theirs there.
                    let agreed = keys(self.client.get_connection_state(self.server).unwrap()).unwrap();
                    self.srtp = Some((Sender::new(&agreed.remote), Receiver::new(&agreed.local)));
                }
            }
            _ => self.received.push(datagram.to_vec()),
        }
    }

    fn connect(&mut self) {
        self.check(HOME, true);
        self.settle(HOME);
        assert_eq!(self.events, [WebRtcEvent::Connected]);
        self.events.clear();
    }

    /// A packet as the browser protects it.
    fn sealed(&mut self, sequence: u16, payload: &[u8]) -> Vec<u8> {
        let header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(sequence),
            timestamp: RtpTimestamp(160 * u32::from(sequence)),
            ssrc: Ssrc(7),
            marker: false,
        };
        let mut packet = Vec::new();
        RtpPacket { header, payload }.write(&mut packet);
        self.srtp.as_mut().unwrap().0.seal_rtp(&mut packet).unwrap();
        packet
    }

    fn heard(&mut self) -> Option<Vec<u8>> {
        match self.gateway.poll_inbound() {
            Some(Inbound::Rtp(packet)) => Some(packet.payload.to_vec()),
            _ => None,
        }
    }
}

#[test]
fn audio_goes_both_ways_under_every_profile() {
    let identity = DtlsIdentity::generate().unwrap();
    for profile in [
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    ] {
        let mut pair = Pair::new(&identity, &identity, profile);
        pair.connect();
        let packet = pair.sealed(1, b"from the page");
        pair.gateway.handle_datagram(pair.now, flow(HOME), &packet).unwrap();
        assert_eq!(pair.heard().as_deref(), Some(&b"from the page"[..]));
        let header = RtpHeader {
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(5),
            timestamp: RtpTimestamp(5),
            ssrc: Ssrc(9),
            marker: true,
        };
        pair.gateway.send_rtp(pair.now, &RtpPacket { header, payload: b"to the page" });
        pair.settle(HOME);
        let sealed = pair.received.pop().unwrap();
        assert!(!sealed.windows(11).any(|window| window == b"to the page"), "nothing goes in plain");
        let mut opened = Vec::new();
        pair.srtp.as_mut().unwrap().1.open_rtp(pair.now, &sealed, &mut opened).unwrap();
        assert_eq!(RtpPacket::parse(&opened).unwrap().payload, b"to the page");
    }
}

#[test]
fn nothing_is_sent_before_the_handshake_is_done() {
    let mut pair = Pair::usual();
    let header =
        RtpHeader { payload_type: PayloadType::PCMU, sequence: SequenceNumber(5), timestamp: RtpTimestamp(5), ssrc: Ssrc(9), marker: true };
    pair.gateway.send_rtp(pair.now, &RtpPacket { header, payload: b"early" });
    pair.check(HOME, true);
    pair.gateway.send_rtp(pair.now, &RtpPacket { header, payload: b"early" });
    assert_eq!(pair.gateway.discards().unsent, 2);
}

#[test]
fn a_certificate_that_the_description_does_not_name_is_no_media_and_the_end() {
    let (named, shown) = (DtlsIdentity::generate().unwrap(), DtlsIdentity::generate().unwrap());
    let mut pair = Pair::new(&named, &shown, SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm);
    pair.check(HOME, true);
    pair.settle(HOME);
    assert_eq!(pair.events, [WebRtcEvent::Failed(WebRtcError::Dtls(DtlsError::Fingerprint))]);
    assert!(!pair.gateway.is_connected());
}

#[test]
fn a_handshake_from_anywhere_but_the_peers_paths_is_not_looked_at() {
    let mut pair = Pair::usual();
    let mut forger = Pair::usual();
    let hello = forger.client.poll_transmit().unwrap().message;
    for _ in 0..1_000 {
        assert_eq!(pair.gateway.handle_datagram(pair.now, flow(STRANGER), &hello), Err(Discard::ForeignAddress));
    }
    // The peer's own address, before it has proved to be the peer's.
    assert_eq!(pair.gateway.handle_datagram(pair.now, flow(HOME), &hello), Err(Discard::ForeignAddress));
    pair.check(HOME, true);
    for _ in 0..1_000 {
        assert_eq!(pair.gateway.handle_datagram(pair.now, flow(STRANGER), &hello), Err(Discard::ForeignAddress));
    }
    pair.settle(HOME);
    assert_eq!(pair.events, [WebRtcEvent::Connected]);
}

#[test]
fn a_handshake_that_comes_before_its_path_is_proved_waits_and_no_more_than_four_records_do() {
    let mut pair = Pair::usual();
    pair.check(HOME, true);
    let hello = pair.client.poll_transmit().unwrap().message;
    for _ in 0..4 {
        pair.gateway.handle_datagram(pair.now, flow(HOME), &hello).unwrap();
    }
    assert_eq!(pair.gateway.handle_datagram(pair.now, flow(HOME), &hello), Err(Discard::TooEarly));
    pair.settle(HOME);
    assert_eq!(pair.events, [WebRtcEvent::Connected]);
}

#[test]
fn a_packet_is_taken_once_and_only_from_the_peer() {
    let mut pair = Pair::usual();
    pair.connect();
    let packet = pair.sealed(1, b"once");
    assert_eq!(pair.gateway.handle_datagram(pair.now, flow(STRANGER), &packet), Err(Discard::ForeignAddress));
    pair.gateway.handle_datagram(pair.now, flow(HOME), &packet).unwrap();
    assert_eq!(pair.heard().as_deref(), Some(&b"once"[..]));
    assert!(pair.gateway.handle_datagram(pair.now, flow(HOME), &packet).is_err());
    assert_eq!(pair.gateway.discards().replayed, 1);
}

#[test]
fn what_never_comes_to_media_fails_after_fifteen_seconds_and_says_how_far_it_came() {
    for (checks, expected) in [(false, WebRtcError::NoPath), (true, WebRtcError::HandshakeTime)] {
        let mut pair = Pair::usual();
        let began = pair.now;
        while pair.client.poll_transmit().is_some() {}
        if checks {
            pair.check(HOME, true);
            pair.settle(HOME);
        }
        while pair.events.is_empty() {
            pair.now = pair.gateway.poll_timeout().unwrap();
            pair.gateway.handle_timeout(pair.now);
            if checks {
                pair.settle(HOME);
            }
            pair.events.extend(std::iter::from_fn(|| pair.gateway.poll_event()));
        }
        assert_eq!(pair.events, [WebRtcEvent::Failed(expected)]);
        assert_eq!(pair.now - began, WebRtc::SET_UP_TIME);
    }
}

#[test]
fn a_flight_that_is_lost_is_sent_again() {
    let mut pair = Pair::usual();
    pair.check(HOME, true);
    let mut state = 11_u64;
    // Every fifth datagram of either side is lost, by chance.
    let mut arrives = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        !(state >> 33).is_multiple_of(5)
    };
    for _ in 0..280 {
        let mut to_client = VecDeque::new();
        while let Some(transmit) = pair.gateway.poll_transmit() {
            if arrives() {
                to_client.push_back(transmit.bytes.to_vec());
            }
        }
        to_client.into_iter().for_each(|datagram| pair.receive(HOME, &datagram));
        while let Some(transmit) = pair.client.poll_transmit() {
            if arrives() {
                let _ = pair.gateway.handle_datagram(pair.now, flow(HOME), &transmit.message);
            }
        }
        pair.now += Duration::from_millis(50);
        pair.gateway.handle_timeout(pair.now);
        let _ = pair.client.handle_timeout(pair.server, pair.now);
        pair.events.extend(std::iter::from_fn(|| pair.gateway.poll_event()));
        if pair.srtp.is_some() && !pair.events.is_empty() {
            break;
        }
    }
    assert_eq!(pair.events, [WebRtcEvent::Connected]);
}

#[test]
fn a_peer_that_closes_the_connection_has_hung_up_and_ours_is_closed_by_a_goodbye() {
    let mut pair = Pair::usual();
    pair.connect();
    pair.client.close(pair.now).unwrap();
    pair.settle(HOME);
    assert_eq!(pair.events, [WebRtcEvent::Closed]);
    let mut pair = Pair::usual();
    pair.connect();
    pair.gateway.close(pair.now);
    assert!(pair.gateway.poll_transmit().is_some_and(|transmit| transmit.bytes[0] == 21));
}

#[test]
fn mutated_and_random_datagrams_into_a_live_call_end_nothing() {
    let mut pair = Pair::usual();
    pair.connect();
    let mut state = 7_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    let mut sequence = 0_u16;
    let rounds = if std::env::var_os("AURICLE_FULL").is_some() { 1_000_000 } else { 30_000 };
    for round in 0..rounds {
        let mut octets: Vec<u8> = match round % 4 {
            0 => (0..draw() % 200).map(|_| draw() as u8).collect(),
            1 => vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4],
            2 => {
                sequence = sequence.wrapping_add(1);
                pair.sealed(sequence, b"mutated")
            }
            _ => vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        let at = draw() % octets.len().max(1);
        if let Some(octet) = octets.get_mut(at) {
            *octet ^= 1 << (draw() % 8);
        }
        let _ = pair.gateway.handle_datagram(pair.now, flow(HOME), &octets);
        while pair.gateway.poll_transmit().is_some() {}
        if round % 100 == 0 {
            sequence = sequence.wrapping_add(1);
            let packet = pair.sealed(sequence, b"still here");
            pair.gateway.handle_datagram(pair.now, flow(HOME), &packet).unwrap();
            assert_eq!(pair.heard().as_deref(), Some(&b"still here"[..]), "round {round}");
        }
    }
    assert_eq!(std::iter::from_fn(|| pair.gateway.poll_event()).count(), 0);
}

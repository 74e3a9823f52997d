//! One file a concern; `rtc-srtp` is the oracle, the vectors are IETF's and libsrtp's.

mod hostile;
mod oracle;
mod roll_overs;
mod vectors;

use std::time::Instant;

use super::*;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

fn key(suite: CryptoSuite) -> MasterKey {
    MasterKey::generate(suite, &KeySeed::new([42; 32]), 0, 1)
}

/// The two ends of one direction.
fn pair(suite: CryptoSuite) -> (Sender, Receiver) {
    (Sender::new(&key(suite)), Receiver::new(&key(suite)))
}

const SSRC: Ssrc = Ssrc(0xcafe_babe);

fn packet_of(ssrc: Ssrc, sequence: u16) -> Vec<u8> {
    let (sequence, timestamp) = (SequenceNumber(sequence), RtpTimestamp(u32::from(sequence) * 160));
    let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc, marker: false };
    let mut packet = Vec::new();
    RtpPacket { header, payload: &[0x5a; 160] }.write(&mut packet);
    packet
}

fn packet(sequence: u16) -> Vec<u8> {
    packet_of(SSRC, sequence)
}

/// A receiver report of the source, one block long.
fn compound() -> Vec<u8> {
    let mut compound = vec![0x81, 201, 0, 7];
    compound.extend_from_slice(&SSRC.0.to_be_bytes());
    compound.extend_from_slice(&[0x17; 24]);
    compound
}

fn sealed(sender: &mut Sender, mut packet: Vec<u8>) -> Vec<u8> {
    sender.seal_rtp(&mut packet).unwrap();
    packet
}

fn sealed_rtcp(sender: &mut Sender) -> Vec<u8> {
    let mut compound = compound();
    sender.seal_rtcp(&mut compound).unwrap();
    compound
}

fn opened(receiver: &mut Receiver, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut out = Vec::new();
    receiver.open_rtp(start(), packet, &mut out).map(|()| out)
}

fn opened_rtcp(receiver: &mut Receiver, compound: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut out = Vec::new();
    receiver.open_rtcp(compound, &mut out).map(|()| out)
}

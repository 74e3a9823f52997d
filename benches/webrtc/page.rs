//! One page: it offers, is answered, checks the one candidate, shakes hands, and then speaks at 50 packets a second.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use anyhow::{Result, ensure};
use media::ice::stun::{self, Attribute, Class, Message, TransactionId};
use media::rtp::{RtpHeader, RtpPacket};
use media::srtp::{Receiver, Sender};
use media::units::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

use crate::generator::clock::{self, MS};
use crate::peer::{Identity, Peer};
use crate::whip::{self, Answer, Request};

/// A page and what it learns.
pub(crate) struct Page {
    index: usize,
    socket: UdpSocket,
    request: Option<Request>,
    answer: Option<Answer>,
    peer: Option<Peer>,
    /// Whether the gateway has answered a check, before which nobody shakes hands.
    reached: bool,
    keys: Option<(Sender, Receiver)>,
    next_send: u64,
    next_check: u64,
    sent: u64,
    sequence: Option<u16>,
    opened: Vec<u8>,
    offered_at: u64,
    /// After the offer, in nanoseconds: the answer, the keys, the first audio.
    pub(crate) answered: Option<u64>,
    pub(crate) connected: Option<u64>,
    pub(crate) heard: Option<u64>,
    /// Within the window: packets, octets of audio, and packets that did not come.
    pub(crate) packets: u64,
    pub(crate) octets: u64,
    pub(crate) lost: u64,
}

impl Page {
    pub(crate) fn open(index: usize) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            index,
            socket,
            request: None,
            answer: None,
            peer: None,
            reached: false,
            keys: None,
            next_send: 0,
            next_check: u64::MAX,
            sent: 0,
            sequence: None,
            opened: Vec::with_capacity(2048),
            offered_at: 0,
            answered: None,
            connected: None,
            heard: None,
            packets: 0,
            octets: 0,
            lost: 0,
        })
    }

    pub(crate) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Posts its offer; the connection on which the answer comes.
    pub(crate) fn call(&mut self, number: &str, identity: &Identity) -> Result<&std::net::TcpStream> {
        self.offered_at = clock::now();
        let offer = whip::offer(&self.ufrag(), PASSWORD, &identity.fingerprint);
        Ok(self.request.insert(Request::offer(number, &offer)?).stream())
    }

    /// The answer's connection has something.
    pub(crate) fn handle_answer(&mut self, identity: &Identity) -> Result<()> {
        let Some(answer) = self.request.as_mut().map(Request::read).transpose()?.flatten() else { return Ok(()) };
        self.request = None;
        self.answered = Some(clock::now() - self.offered_at);
        self.peer = Some(Peer::connect(instant(), identity, answer.address)?);
        self.answer = Some(answer);
        self.check()
    }

    /// Sends what is due.
    pub(crate) fn send_due(&mut self, now: u64, payloads: &[Vec<u8>]) -> Result<()> {
        if now >= self.next_check {
            self.check()?;
        }
        let Some(answer) = &self.answer else { return Ok(()) };
        let Some((sender, _)) = &mut self.keys else {
            return self.peer.as_mut().filter(|_| self.reached).map_or(Ok(()), |peer| {
                peer.handle_timeout(instant());
                peer.send(&self.socket)
            });
        };
        if now < self.next_send {
            return Ok(());
        }
        let header = RtpHeader {
            payload_type: OPUS,
            sequence: SequenceNumber((self.sent & 0xffff) as u16),
            timestamp: RtpTimestamp((self.sent * TICKS) as u32),
            ssrc: Ssrc(self.index as u32 + 1),
            marker: self.sent == 0,
        };
        // Each page is at another place of what is said.
        let payload = &payloads[(self.sent as usize + 7 * self.index) % payloads.len()];
        let mut packet = Vec::with_capacity(256);
        RtpPacket { header, payload }.write(&mut packet);
        sender.seal_rtp(&mut packet)?;
        self.socket.send_to(&packet, answer.address)?;
        self.sent += 1;
        self.next_send += 20 * MS;
        Ok(())
    }

    /// Takes every datagram that has come.
    pub(crate) fn receive(&mut self, pages: usize, measuring: bool) -> Result<()> {
        let mut datagram = [0; 2048];
        while let Ok((length, from)) = self.socket.recv_from(&mut datagram) {
            self.take(&datagram[..length], from, pages, measuring)?;
        }
        Ok(())
    }

    /// Ends the call.
    pub(crate) fn hang_up(&mut self) -> Result<()> {
        self.answer.take().map_or(Ok(()), |answer| whip::end(&answer.location))
    }

    fn take(&mut self, datagram: &[u8], from: SocketAddr, pages: usize, measuring: bool) -> Result<()> {
        match datagram.first() {
            Some(0..=3) => self.take_stun(datagram, from),
            Some(20..=63) => {
                let Some(peer) = &mut self.peer else { return Ok(()) };
                let keys = peer.read(instant(), datagram)?;
                peer.send(&self.socket)?;
                if let Some(keys) = keys.filter(|_| self.keys.is_none()) {
                    self.keys = Some(keys);
                    let now = clock::now();
                    self.connected = Some(now - self.offered_at);
                    // Its packets start in the phase that its number gives it.
                    self.next_send = now - now % (20 * MS) + 20 * MS + self.index as u64 * 20 * MS / pages as u64;
                }
                Ok(())
            }
            Some(_) => self.take_media(datagram, measuring),
            None => Ok(()),
        }
    }

    fn take_stun(&mut self, datagram: &[u8], from: SocketAddr) -> Result<()> {
        let Ok(message) = Message::parse(datagram) else { return Ok(()) };
        if message.class == Class::Request {
            let mut answer = Vec::new();
            stun::write(&mut answer, Class::Success, message.transaction, &[Attribute::Mapped(from)], PASSWORD.as_bytes());
            self.socket.send_to(&answer, from)?;
        } else if let Some(peer) = self.peer.as_mut().filter(|_| self.keys.is_none()) {
            ensure!(message.class == Class::Success, "a check was refused: {:?}", message.error);
            self.reached = true;
            peer.send(&self.socket)?;
        }
        Ok(())
    }

    fn take_media(&mut self, datagram: &[u8], measuring: bool) -> Result<()> {
        let Some((_, receiver)) = &mut self.keys else { return Ok(()) };
        // RTCP beside RTP on one port (RFC 5761 §4).
        if datagram.get(1).is_none_or(|kind| (192..=223).contains(kind)) {
            return Ok(());
        }
        self.opened.clear();
        receiver.open_rtp(instant(), datagram, &mut self.opened)?;
        let packet = RtpPacket::parse(&self.opened)?;
        if self.heard.is_none() {
            self.heard = Some(clock::now() - self.offered_at);
        }
        let sequence = packet.header.sequence.0;
        if let Some(gap) = self.sequence.replace(sequence).map(|before| sequence.wrapping_sub(before)).filter(|_| measuring) {
            // A step back is a late packet, not 65,000 lost ones.
            self.lost += u64::from(gap.wrapping_sub(1)) * u64::from(gap < 0x8000 && gap > 1);
        }
        if measuring {
            self.packets += 1;
            self.octets += packet.payload.len() as u64;
        }
        Ok(())
    }

    /// Asks whether the gateway is there, and for this pair: at the beginning, and as browsers do from then on.
    fn check(&mut self) -> Result<()> {
        let Some(answer) = &self.answer else { return Ok(()) };
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&clock::now().to_be_bytes());
        transaction[8..].copy_from_slice(&(self.index as u32).to_be_bytes());
        let ufrag = self.ufrag();
        let attributes = [
            Attribute::Username(&answer.ufrag, &ufrag),
            Attribute::Priority(1_853_824_767),
            Attribute::Controlling(7),
            Attribute::UseCandidate,
        ];
        let mut octets = Vec::new();
        stun::write(&mut octets, Class::Request, TransactionId(transaction), &attributes, answer.password.as_bytes());
        self.socket.send_to(&octets, answer.address)?;
        self.next_check = clock::now() + 2_500 * MS;
        Ok(())
    }

    fn ufrag(&self) -> String {
        format!("page{:04}", self.index)
    }
}

fn instant() -> Instant {
    Instant::now()
}

const PASSWORD: &str = "ThePasswordOfEveryPage00";
const OPUS: PayloadType = PayloadType::new(111).unwrap();
/// Of 48 kHz in 20 ms.
const TICKS: u64 = 960;

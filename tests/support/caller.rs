//! A caller over real sockets: SIP by a small writer of its own, RTP as the test wants it, every packet kept.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::uac::{self, Dialog, Heard};

/// One call, from its INVITE to its BYE.
pub(crate) struct Caller {
    gateway: SocketAddr,
    signalling: UdpSocket,
    media: UdpSocket,
    dialog: Dialog,
    /// What is done to each request before it goes.
    disguise: fn(String) -> String,
    /// Where the gateway wants RTP.
    rtp: SocketAddr,
    /// Packets sent, and when the next one is to go.
    sent: u32,
    slot: Option<Instant>,
    /// By how much this side itself was late at worst.
    longest_stall: Duration,
    heard: Vec<Packet>,
    keys: Vec<Packet>,
}

/// An RTP packet that came.
pub(crate) struct Packet {
    pub(crate) at: Instant,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) payload: Vec<u8>,
}

impl Caller {
    /// Sends an INVITE from `address` and waits for its answer, which is not acknowledged yet. `Err` is the status of a refusal.
    pub(crate) async fn invite(gateway: SocketAddr, number: &str, address: IpAddr, disguise: fn(String) -> String) -> Result<Self, u16> {
        let (signalling, media) = (socket(address), socket(address));
        let dialog = Dialog::new(0, local(&signalling), &format!("sip:{number}@{gateway}"));
        let (heard, keys, longest_stall) = (Vec::new(), Vec::new(), Duration::ZERO);
        let mut caller =
            Self { gateway, signalling, media, dialog, disguise, rtp: gateway, sent: 0, slot: None, longest_stall, heard, keys };
        caller.send_sip(caller.dialog.invite(local(&caller.media))).await;
        loop {
            match caller.hear_sip().await {
                Heard::Answered { rtp, to, contact, .. } => {
                    caller.dialog.answered(to, contact);
                    caller.rtp = rtp;
                    return Ok(caller);
                }
                Heard::Refused { status, .. } => return Err(status),
                _ => {}
            }
        }
    }

    pub(crate) async fn acknowledge(&self) {
        self.send_sip(self.dialog.ack()).await;
    }

    /// Sends BYE and waits until it is confirmed.
    pub(crate) async fn hang_up(&mut self) {
        self.note_stall();
        self.send_sip(self.dialog.bye()).await;
        while !matches!(self.hear_sip().await, Heard::Ended { .. }) {}
    }

    /// Waits for the gateway's BYE and confirms it.
    pub(crate) async fn wait_for_bye(&mut self) {
        loop {
            if let Heard::HungUp { response, .. } = self.hear_sip().await {
                return self.send_sip(response).await;
            }
        }
    }

    /// Sends the next RTP packet.
    pub(crate) async fn say(&mut self, payload: &[u8]) {
        self.send(&rtp_packet(self.sent, payload)).await;
    }

    /// Sends what stands in the place of the next RTP packet.
    pub(crate) async fn send(&mut self, packet: &[u8]) {
        self.sent += 1;
        self.media.send_to(packet, self.rtp).await.expect("RTP is sent");
    }

    /// Takes what comes until `until`.
    pub(crate) async fn listen(&mut self, until: Instant) {
        let mut datagram = [0; 2048];
        while let Ok(received) = tokio::time::timeout_at(until.into(), self.media.recv_from(&mut datagram)).await {
            let (length, from) = received.expect("RTP is received");
            if from == self.rtp {
                match read_rtp(&datagram[..length]) {
                    Some((PCMU, packet)) => self.heard.push(packet),
                    Some((KEYS, packet)) => self.keys.push(packet),
                    _ => {}
                }
            }
        }
    }

    /// Says each frame in its 20 ms and hears what comes meanwhile.
    pub(crate) async fn talk(&mut self, frames: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        for frame in frames {
            self.note_stall();
            self.say(frame.as_ref()).await;
            let slot = self.slot.unwrap_or_else(Instant::now) + PTIME;
            self.slot = Some(slot);
            self.listen(slot).await;
        }
    }

    /// What was heard so far, in the order of its arrival.
    pub(crate) fn heard(&self) -> &[Packet] {
        &self.heard
    }

    /// Keys that were pressed for it to hear, as RFC 4733 has them.
    pub(crate) fn keys(&self) -> &[Packet] {
        &self.keys
    }

    /// Where the gateway wants RTP of this call.
    pub(crate) const fn rtp(&self) -> SocketAddr {
        self.rtp
    }

    /// Packets sent so far.
    pub(crate) const fn sent(&self) -> u32 {
        self.sent
    }

    /// By how much it was late with a packet at worst: more than [`STALL`] is the machine's doing, and may cost packets of either side.
    pub(crate) const fn longest_stall(&self) -> Duration {
        self.longest_stall
    }

    fn note_stall(&mut self) {
        let late = self.slot.map_or(Duration::ZERO, |slot| slot.elapsed());
        self.longest_stall = self.longest_stall.max(late);
    }

    async fn send_sip(&self, request: String) {
        self.signalling.send_to((self.disguise)(request).as_bytes(), self.gateway).await.expect("SIP is sent");
    }

    async fn hear_sip(&self) -> Heard {
        let mut datagram = [0; 8192];
        let length =
            timeout(PATIENCE, self.signalling.recv(&mut datagram)).await.expect("the gateway answers in time").expect("SIP is received");
        uac::read(&datagram[..length])
    }
}

/// The slot of a packet among those that were heard: they lie 20 ms apart on the RTP clock, and the packet that was least held up on
/// its way says where.
pub(crate) fn slots(heard: &[Packet]) -> impl Fn(&Packet) -> Instant {
    let begins = heard.first().map_or(0, |packet| packet.timestamp);
    let since_first = move |packet: &Packet| Duration::from_micros(u64::from(packet.timestamp.wrapping_sub(begins)) * 125);
    let first_slot = heard.iter().map(|packet| packet.at - since_first(packet)).min();
    move |packet| first_slot.map_or(packet.at, |first| first + since_first(packet))
}

/// A G.711 μ-law packet of the stream that every caller sends.
pub(crate) fn rtp_packet(index: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, if index == 0 { 0x80 } else { 0 }];
    packet.extend((index as u16).to_be_bytes());
    packet.extend((index * FRAME as u32).to_be_bytes());
    packet.extend(*b"test");
    packet.extend(payload);
    packet
}

/// Requests as they are.
pub(crate) fn plain(request: String) -> String {
    request
}

/// A packet and its payload type.
fn read_rtp(datagram: &[u8]) -> Option<(u8, Packet)> {
    let (header, payload) = datagram.split_at_checked(12)?;
    let number = |from: usize, to: usize| header[from..to].iter().fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
    let packet = Packet { at: Instant::now(), sequence: number(2, 4) as u16, timestamp: number(4, 8), payload: payload.to_vec() };
    Some((header[1] & 0x7f, packet))
}

/// A socket that holds seconds of sound, should the test be kept from reading for so long.
fn socket(address: IpAddr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    socket.set_recv_buffer_size(1 << 20).expect("a long queue");
    socket.set_nonblocking(true).expect("a socket that does not block");
    socket.bind(&SocketAddr::new(address, 0).into()).expect("an address of the loopback");
    UdpSocket::from_std(socket.into()).expect("a socket of this runtime")
}

fn local(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("an address")
}

/// Payload types of what the caller offers.
const PCMU: u8 = 0;
const KEYS: u8 = 101;
/// Time in a packet.
pub(crate) const PTIME: Duration = Duration::from_millis(20);
/// Bytes of μ-law in a packet.
pub(crate) const FRAME: usize = 160;
/// Half of what a gateway bridges: who is held up for longer proves nothing about its packets.
pub(crate) const STALL: Duration = Duration::from_millis(80);
/// Of a wait for a message of the gateway's, which comes at once as a rule.
const PATIENCE: Duration = Duration::from_secs(60);

//! One caller's RTP: what it sends, and what it learns from what comes back.

use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::LazyLock;

use anyhow::Result;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;

use super::clock::{self, MS};
use super::trace::{IMPULSE_AT, IMPULSE_THRESHOLD, PREAMBLE, Trace, has_impulse};
use super::ulaw::Ulaw;

/// One RTP stream each way.
pub(crate) struct Caller {
    index: usize,
    socket: UdpSocket,
    remote: Option<SocketAddr>,
    next_send: u64,
    packets: u64,
    /// When each impulse left: the instant of the sample, not of the packet.
    impulses: Vec<u64>,
    /// Arrival and RTP timestamp of each packet of the window.
    arrivals: Vec<(u64, u32)>,
    sequence: Option<u16>,
    control: Vec<u8>,
    pub(crate) lost: u64,
    pub(crate) round_trips: Vec<u64>,
}

impl Caller {
    pub(crate) fn open(index: usize) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        let control = nix::cmsg_space!(TimeSpec);
        let (impulses, arrivals, round_trips) = (Vec::with_capacity(16), Vec::new(), Vec::new());
        Ok(Self {
            index,
            socket,
            remote: None,
            next_send: 0,
            packets: 0,
            impulses,
            arrivals,
            sequence: None,
            control,
            lost: 0,
            round_trips,
        })
    }

    pub(crate) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// RTP goes to `remote` from `first_send` on.
    pub(crate) fn start(&mut self, remote: SocketAddr, first_send: u64) {
        self.remote = Some(remote);
        self.next_send = first_send;
    }

    pub(crate) fn stop(&mut self) {
        self.remote = None;
    }

    /// Sends the packet that is due, if one is.
    pub(crate) fn send_due(&mut self, now: u64, trace: &Trace) -> Result<()> {
        let Some(remote) = self.remote.filter(|_| now >= self.next_send) else { return Ok(()) };
        let mut packet = [SILENCE; 172];
        packet[..12].fill(0);
        packet[0] = 0x80;
        packet[1] = u8::from(self.packets == 0) << 7;
        packet[2..4].copy_from_slice(&u16::try_from(self.packets & 0xffff)?.to_be_bytes());
        packet[4..8].copy_from_slice(&u32::try_from(self.packets * 160)?.to_be_bytes());
        packet[8..12].copy_from_slice(&u32::try_from(self.index + 1)?.to_be_bytes());
        let impulse = has_impulse(self.index, self.packets);
        let sent = clock::now();
        if impulse {
            packet[12 + IMPULSE_AT] = LOUD;
            trace.note(self.index, self.packets, sent);
            if self.packets > PREAMBLE + 20 {
                self.impulses.push(sent + samples(IMPULSE_AT));
            }
        }
        match self.socket.send_to(&packet, remote) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionRefused => return Err(error.into()),
            _ => {}
        }
        self.packets += 1;
        self.next_send += 20 * MS;
        Ok(())
    }

    /// Takes every packet that has come; `offset` puts kernel stamps on the monotonic clock.
    pub(crate) fn receive(&mut self, offset: u64, measuring: bool) -> Result<()> {
        let mut packet = [0; 1500];
        loop {
            let mut buffers = [IoSliceMut::new(&mut packet)];
            let received = match recvmsg::<SockaddrIn>(self.socket.as_raw_fd(), &mut buffers, Some(&mut self.control), MsgFlags::empty()) {
                Ok(received) => received,
                Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::ECONNREFUSED) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let stamp = received.cmsgs()?.find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(at) => {
                    Some(at.tv_sec().cast_unsigned() * 1_000_000_000 + at.tv_nsec().cast_unsigned() - offset)
                }
                _ => None,
            });
            let (length, arrived) = (received.bytes, stamp.unwrap_or_else(clock::now));
            if let Some(datagram) = packet.get(..length).filter(|datagram| datagram.len() > 12 && datagram[1] & 0x7f == 0) {
                self.take(datagram, arrived, measuring);
            }
        }
    }

    fn take(&mut self, datagram: &[u8], arrived: u64, measuring: bool) {
        let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
        if let Some(gap) = self.sequence.replace(sequence).map(|before| sequence.wrapping_sub(before)).filter(|_| measuring) {
            // A step back is a late packet, not 65,000 lost ones.
            self.lost += u64::from(gap.wrapping_sub(1)) * u64::from(gap < 0x8000 && gap > 1);
        }
        if measuring {
            self.arrivals.push((arrived, u32::from_be_bytes([datagram[4], datagram[5], datagram[6], datagram[7]])));
        }
        let Some(at) = datagram[12..].iter().position(|&code| ULAW.decode(code).saturating_abs() >= IMPULSE_THRESHOLD) else { return };
        let heard = arrived + samples(at);
        let Some(place) = self.impulses.iter().rposition(|&sent| sent < heard) else { return };
        let sent = self.impulses[place];
        self.impulses.drain(..=place);
        if measuring {
            self.round_trips.push(heard - sent);
        }
    }

    /// How late each packet of the window came, against the 20 ms grid through the earliest of them.
    pub(crate) fn lateness(&self) -> Vec<u64> {
        let Some(&(_, first)) = self.arrivals.first() else { return Vec::new() };
        let offsets = self.arrivals.iter().map(|&(arrived, timestamp)| arrived - u64::from(timestamp.wrapping_sub(first)) * 125_000);
        let origin = offsets.clone().min().unwrap_or_default();
        offsets.map(|offset| offset - origin).collect()
    }
}

/// The time that so many samples at 8 kHz take.
fn samples(count: usize) -> u64 {
    count as u64 * 125_000
}

static ULAW: LazyLock<Ulaw> = LazyLock::new(Ulaw::new);
const SILENCE: u8 = 0xff;
/// The loudest positive code.
const LOUD: u8 = 0x80;

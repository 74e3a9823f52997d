//! One call of the bare loop.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::sync::LazyLock;

use anyhow::Result;

use crate::encoder::Encoder;
use crate::json_audio::{Downlink, Uplink};
use crate::ulaw::Ulaw;
use crate::websocket::WebSocket;

/// Its sockets, both conversions, and the queue toward the caller.
pub(crate) struct Call {
    rtp: UdpSocket,
    /// Whether the caller has been heard, so that its address is known.
    heard: bool,
    agent: WebSocket,
    uplink: Uplink,
    downlink: Downlink,
    queue: Vec<u8>,
    packet: [u8; RTP_HEADER + PACKET],
    sequence: u16,
    timestamp: u32,
}

impl Call {
    /// RTP on `port` of the loopback, its own connection to `agent`.
    pub(crate) fn open(port: u16, agent: &str, index: usize) -> Result<Self> {
        let rtp = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
        rtp.set_nonblocking(true)?;
        let mut packet = [SILENCE; RTP_HEADER + PACKET];
        packet[..RTP_HEADER].fill(0);
        packet[0] = 0x80;
        packet[8..RTP_HEADER].copy_from_slice(&u32::try_from(index)?.to_be_bytes());
        let (uplink, downlink) = (Uplink::new()?, Downlink::new()?);
        Ok(Self {
            rtp,
            heard: false,
            agent: WebSocket::connect(agent)?,
            uplink,
            downlink,
            queue: Vec::with_capacity(4096),
            packet,
            sequence: 0,
            timestamp: 0,
        })
    }

    pub(crate) fn rtp(&self) -> &UdpSocket {
        &self.rtp
    }

    pub(crate) fn agent(&self) -> &TcpStream {
        self.agent.stream()
    }

    /// One packet from the caller to the agent; whether it was the first.
    pub(crate) fn receive_rtp(&mut self) -> Result<bool> {
        let mut datagram = [0; 1500];
        let first = !self.heard;
        let received = if first {
            self.rtp.recv_from(&mut datagram).map(|(length, caller)| (length, Some(caller)))
        } else {
            self.rtp.recv(&mut datagram).map(|length| (length, None))
        };
        let (length, caller) = match received {
            Ok(received) => received,
            // The load has gone: its port answers with ICMP.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if let Some(caller) = caller {
            self.rtp.connect(caller)?;
            self.heard = true;
        }
        let frame = self.uplink.frame(&ULAW, datagram[..length].get(RTP_HEADER..).unwrap_or_default())?;
        self.agent.send(frame)?;
        Ok(first)
    }

    /// What the agent says, into the queue.
    pub(crate) fn receive_agent(&mut self) -> Result<()> {
        let Self { agent, downlink, queue, .. } = self;
        let mut outcome = Ok(());
        agent.receive(|message| {
            if let Err(error) = downlink.take(&ENCODER, message, queue) {
                outcome = Err(error);
            }
        })?;
        outcome
    }

    /// The call's slot has come: 20 ms of the queue, or silence.
    pub(crate) fn send_slot(&mut self) -> Result<()> {
        if !self.heard {
            return Ok(());
        }
        let spoken = self.queue.len().min(PACKET);
        self.packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        self.packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        self.packet[RTP_HEADER..RTP_HEADER + spoken].copy_from_slice(&self.queue[..spoken]);
        self.packet[RTP_HEADER + spoken..].fill(SILENCE);
        self.queue.drain(..spoken);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        match self.rtp.send(&self.packet) {
            Err(error) if error.kind() != ErrorKind::ConnectionRefused => Err(error.into()),
            _ => Ok(()),
        }
    }
}

static ULAW: LazyLock<Ulaw> = LazyLock::new(Ulaw::new);
static ENCODER: LazyLock<Encoder> = LazyLock::new(Encoder::new);
/// 20 ms at 8 kHz.
const PACKET: usize = 160;
const RTP_HEADER: usize = 12;
const SILENCE: u8 = 0xff;

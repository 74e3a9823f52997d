//! The sockets and the clock around a [`Phone`], on the calling thread.
//!
//! One `poll` over three sockets, whose time-out the kernel keeps to 50 µs: paced well enough for one call, without a runtime.
//! Left out on purpose: hanging up when the process is interrupted; the far end finds the line dead.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use media::rtcp::NtpBase;
use media::rtp::RtpSeed;
use media::units::{RtpTimestamp, SequenceNumber, Ssrc};
use rustix::event::{PollFd, PollFlags, Timespec};
use sip::header::{Scheme, Uri};

use super::setup::{PhoneOutput, PhoneSeeds, PhoneSetup};
use super::user_agent::Phone;
use super::{PhoneCall, PhoneError};
use crate::net::port_range::{PortRange, PortRangeConfig};
use crate::net::udp;

/// Makes the call; the phone comes back when it is over.
pub(super) fn run(call: &PhoneCall, play: Vec<i16>) -> Result<Phone, PhoneError> {
    let remote_sip = resolve(&call.to)?;
    let address = route_to(remote_sip)?.ip();
    let signalling = udp::bind_sip(SocketAddr::new(address, 0))?;
    let range = PortRangeConfig { address, min: FIRST_PORT, max: LAST_PORT, quarantine: Duration::ZERO, ..PortRangeConfig::default() };
    let ports = PortRange::new(range)?.allocate(Instant::now())?;
    let setup = PhoneSetup {
        target: call.to.clone(),
        local_sip: signalling.local_addr()?,
        remote_sip,
        local_rtp: ports.rtp.local_addr()?,
        local_rtcp: ports.rtcp.local_addr()?,
        codecs: call.codecs.clone(),
        play,
        digits: call.digits.clone(),
        talk: call.talk,
        patience: call.patience,
        seeds: seeds()?,
        ntp: ntp(),
    };
    let sockets = [Socket::new(signalling)?, Socket::new(ports.rtp)?, Socket::new(ports.rtcp)?];
    let mut phone = Phone::call(Instant::now(), setup)?;
    drive(&mut phone, &sockets)?;
    Ok(phone)
}

/// Receives, feeds, drains and waits, until the call is over.
fn drive(phone: &mut Phone, sockets: &[Socket; 3]) -> io::Result<()> {
    let mut buffer = vec![0; MAX_DATAGRAM];
    loop {
        let due = match phone.poll_output() {
            PhoneOutput::Transmit(datagram) => {
                if let Some(socket) = sockets.iter().find(|socket| socket.local == datagram.local) {
                    // What the system does not take is lost, as on any network; SIP repeats itself.
                    let _ = socket.udp.send_to(&datagram.bytes, datagram.remote);
                }
                continue;
            }
            PhoneOutput::Timeout(due) => due,
            PhoneOutput::Over => return Ok(()),
        };
        wait(sockets, due)?;
        for socket in sockets {
            // One each: the poll comes round again at once while there are more.
            if let Ok((length, remote)) = socket.udp.recv_from(&mut buffer) {
                phone.handle_datagram(Instant::now(), socket.local, remote, buffer.get(..length).unwrap_or_default());
            }
        }
        phone.handle_timeout(Instant::now());
    }
}

/// Until a datagram can be read, or `due`.
fn wait(sockets: &[Socket; 3], due: Option<Instant>) -> io::Result<()> {
    let rest = due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()).min(IDLE));
    let timeout = Timespec { tv_sec: rest.as_secs() as i64, tv_nsec: i64::from(rest.subsec_nanos()) };
    let mut polled = sockets.each_ref().map(|socket| PollFd::new(&socket.udp, PollFlags::IN));
    match rustix::event::poll(&mut polled, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

struct Socket {
    udp: UdpSocket,
    local: SocketAddr,
}

impl Socket {
    fn new(udp: UdpSocket) -> io::Result<Self> {
        udp.set_nonblocking(true)?;
        let local = udp.local_addr()?;
        Ok(Self { udp, local })
    }
}

/// The address behind a URI: its host's first. Left out on purpose: RFC 3263's services.
fn resolve(target: &Uri) -> Result<SocketAddr, PhoneError> {
    if target.scheme() != Scheme::Sip {
        return Err(PhoneError::Scheme);
    }
    let host = target.host().trim_start_matches('[').trim_end_matches(']');
    let mut found =
        (host, target.port().unwrap_or(SIP_PORT)).to_socket_addrs().map_err(|source| PhoneError::Resolve { source: Some(source) })?;
    found.next().ok_or(PhoneError::Resolve { source: None })
}

/// Our address on the way to `remote`. Nothing is sent.
fn route_to(remote: SocketAddr) -> io::Result<SocketAddr> {
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(remote)?;
    socket.local_addr()
}

fn seeds() -> Result<PhoneSeeds, getrandom::Error> {
    let mut identifiers = [0; 32];
    getrandom::fill(&mut identifiers)?;
    let rtp = RtpSeed {
        ssrc: Ssrc(getrandom::u32()?),
        sequence: SequenceNumber(getrandom::u32()? as u16),
        timestamp: RtpTimestamp(getrandom::u32()?),
    };
    // Half the range: some far ends read the number as a signed one.
    Ok(PhoneSeeds { identifiers, rtp, session: getrandom::u64()? >> 1, reports: getrandom::u64()? })
}

fn ntp() -> NtpBase {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
    NtpBase { at: Instant::now(), ntp: ((since_1970.as_secs() + FROM_1900_TO_1970) << 32) | fraction }
}

/// RFC 3261 §19.1.2.
const SIP_PORT: u16 = 5_060;
/// Apart from the gateway's usual range, so that both can run on one machine.
const FIRST_PORT: u16 = 40_000;
const LAST_PORT: u16 = 59_999;
const MAX_DATAGRAM: usize = 65_535;
/// The longest wait when nothing is due.
const IDLE: Duration = Duration::from_secs(60);
/// Seconds (RFC 3550 §4).
const FROM_1900_TO_1970: u64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use std::thread;

    use media::codec::Codec;

    use super::*;
    use crate::phone::CallEnd;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap()
    }

    #[test]
    fn a_numeric_host_needs_no_look_up_and_no_port_means_5060() {
        assert_eq!(resolve(&uri("sip:1000@192.0.2.1")).unwrap(), "192.0.2.1:5060".parse::<SocketAddr>().unwrap());
        assert_eq!(resolve(&uri("sip:1000@[2001:db8::1]:5070")).unwrap(), "[2001:db8::1]:5070".parse::<SocketAddr>().unwrap());
    }

    #[test]
    fn only_sip_over_udp_is_called() {
        for text in ["sips:1000@192.0.2.1", "tel:+15550100", "mailto:a@b"] {
            assert!(matches!(resolve(&uri(text)), Err(PhoneError::Scheme)), "{text}");
        }
    }

    #[test]
    fn a_call_on_real_sockets_hears_that_the_far_end_is_busy() {
        let far_end = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = uri(&format!("sip:1000@{}", far_end.local_addr().unwrap()));
        let busy = thread::spawn(move || {
            let mut buffer = [0; 4_096];
            let (length, phone) = far_end.recv_from(&mut buffer).unwrap();
            let invite = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let copied =
                invite.lines().filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
            let headers: String = copied.map(|line| format!("{line}{}\r\n", if line.starts_with("To:") { ";tag=1" } else { "" })).collect();
            far_end.send_to(format!("SIP/2.0 486 Busy Here\r\n{headers}Content-Length: 0\r\n\r\n").as_bytes(), phone).unwrap();
        });
        let call = PhoneCall {
            to,
            play: "unused".into(),
            record: "unused".into(),
            talk: Duration::from_secs(1),
            patience: Duration::from_secs(5),
            digits: Vec::new(),
            codecs: vec![Codec::Pcmu],
        };
        assert_eq!(run(&call, Vec::new()).unwrap().report().end, CallEnd::Refused(486));
        busy.join().unwrap();
    }
}

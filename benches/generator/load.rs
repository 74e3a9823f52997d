//! The load's process: the agent on one thread, every caller on another.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::{fs, thread};

use anyhow::{Context as _, Result, bail};
use rustix::event::epoll;
use rustix::time::Timespec;
use serde_json::json;

use super::caller::Caller;
use super::clock::{self, MS};
use super::sip::{self, Dialog, Heard};
use super::trace::Trace;
use super::{agent, summary};

/// What to do.
pub(crate) struct Load {
    pub(crate) calls: usize,
    pub(crate) seconds: u64,
    /// Seconds that the calls stay up after the window, for what is measured apart.
    pub(crate) tail: u64,
    pub(crate) agent: SocketAddr,
    /// Where the authority of the agent's certificate is written; plain WebSocket without.
    pub(crate) tls: Option<PathBuf>,
    pub(crate) target: Target,
}

/// Whom to call.
#[derive(Clone)]
pub(crate) enum Target {
    /// A gateway: a SIP URI and its address.
    Sip { uri: String, address: SocketAddr },
    /// The bare loop: RTP from this port on, two ports a call.
    Bare { rtp_base: u16 },
}

/// Runs the load to its end.
pub(crate) fn run(load: &Load) -> Result<()> {
    let trace = Arc::new(Trace::new(load.calls));
    let acceptor = match &load.tls {
        None => None,
        Some(path) => {
            let (acceptor, authority) = agent::private_tls()?;
            fs::write(path, authority).with_context(|| path.display().to_string())?;
            Some(acceptor)
        }
    };
    let (listen, heard) = (load.agent, Arc::clone(&trace));
    thread::Builder::new().name("agent".to_owned()).spawn(move || {
        if let Err(error) = agent::serve(listen, acceptor, heard) {
            eprintln!("agent: {error:#}");
            std::process::exit(1);
        }
    })?;
    // Whoever started this process has the other side to start, now that the agent listens.
    std::io::stdin().read_line(&mut String::new())?;
    Callers::open(load, trace)?.run()
}

/// Every caller, on this thread.
struct Callers<'a> {
    load: &'a Load,
    trace: Arc<Trace>,
    sip: UdpSocket,
    callers: Vec<Caller>,
    dialogs: Vec<Dialog>,
    invited: Vec<u64>,
    setups: Vec<u64>,
    ended: usize,
    dropped: usize,
    failed: Vec<u16>,
    /// Kernel stamps to monotonic time.
    offset: u64,
}

impl<'a> Callers<'a> {
    fn open(load: &'a Load, trace: Arc<Trace>) -> Result<Self> {
        let sip = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        sip.set_nonblocking(true)?;
        let local = sip.local_addr()?;
        let uri = if let Target::Sip { uri, .. } = &load.target { uri.as_str() } else { "" };
        let dialogs = (0..load.calls).map(|index| Dialog::new(index, local, uri)).collect();
        let callers = (0..load.calls).map(Caller::open).collect::<Result<_>>()?;
        let (invited, setups, failed) = (vec![0; load.calls], Vec::new(), Vec::new());
        Ok(Self { load, trace, sip, callers, dialogs, invited, setups, ended: 0, dropped: 0, failed, offset: clock::wall_offset() })
    }

    fn run(mut self) -> Result<()> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &self.sip, epoll::EventData::new_u64(u64::MAX), epoll::EventFlags::IN)?;
        for (index, caller) in self.callers.iter().enumerate() {
            epoll::add(&epoll, caller.socket(), epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
        }
        self.call(&epoll)?;
        println!("UP {}", self.setups.len());
        self.turn(&epoll, clock::now() + SETTLE)?;

        self.trace.measuring.store(true, Ordering::Relaxed);
        println!("START");
        self.turn(&epoll, clock::now() + self.load.seconds * 1000 * MS)?;
        self.trace.measuring.store(false, Ordering::Relaxed);
        println!("END");
        self.turn(&epoll, clock::now() + self.load.tail * 1000 * MS)?;
        self.hang_up(&epoll)?;
        println!("{}", self.report());
        Ok(())
    }

    /// Places every call, some a second, and waits until all are answered.
    fn call(&mut self, epoll: &impl std::os::fd::AsFd) -> Result<()> {
        for index in 0..self.load.calls {
            match self.load.target.clone() {
                Target::Sip { address, .. } => {
                    let rtp = self.callers[index].socket().local_addr()?;
                    self.invited[index] = clock::now();
                    self.sip.send_to(self.dialogs[index].invite(rtp).as_bytes(), address)?;
                }
                Target::Bare { rtp_base } => {
                    let port = rtp_base + 2 * u16::try_from(index)?;
                    self.up(index, (Ipv4Addr::LOCALHOST, port).into());
                }
            }
            self.turn(epoll, clock::now() + CALL_INTERVAL)?;
        }
        let limit = clock::now() + ANSWER_LIMIT;
        while self.setups.len() < self.load.calls {
            self.turn(epoll, clock::now() + 10 * MS)?;
            if clock::now() > limit || !self.failed.is_empty() {
                bail!("{} of {} calls answered, refused with {:?}", self.setups.len(), self.load.calls, self.failed);
            }
        }
        Ok(())
    }

    fn hang_up(&mut self, epoll: &impl std::os::fd::AsFd) -> Result<()> {
        let Target::Sip { address, .. } = self.load.target.clone() else { return Ok(()) };
        for index in 0..self.load.calls {
            self.callers[index].stop();
            self.sip.send_to(self.dialogs[index].bye().as_bytes(), address)?;
            self.turn(epoll, clock::now() + CALL_INTERVAL / 4)?;
        }
        let limit = clock::now() + ANSWER_LIMIT;
        while self.ended + self.dropped < self.load.calls && clock::now() < limit {
            self.turn(epoll, clock::now() + 10 * MS)?;
        }
        Ok(())
    }

    /// Sends and receives until `until`.
    fn turn(&mut self, epoll: &impl std::os::fd::AsFd, until: u64) -> Result<()> {
        let mut events = Vec::with_capacity(256);
        loop {
            let now = clock::now();
            if now >= until {
                return Ok(());
            }
            self.callers.iter_mut().try_for_each(|caller| caller.send_due(now, &self.trace))?;
            let wait = Timespec { tv_sec: 0, tv_nsec: (MS - clock::now() % MS).cast_signed() };
            events.clear();
            epoll::wait(epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait))?;
            let measuring = self.trace.is_measuring();
            for event in &events {
                match self.callers.get_mut(usize::try_from(event.data.u64())?) {
                    Some(caller) => caller.receive(self.offset, measuring)?,
                    None => self.receive_sip()?,
                }
            }
        }
    }

    fn receive_sip(&mut self) -> Result<()> {
        let mut datagram = [0; 4096];
        while let Ok((length, from)) = self.sip.recv_from(&mut datagram) {
            match sip::read(&datagram[..length]) {
                Heard::Answered { index, rtp, to, contact } => {
                    self.dialogs[index].answered(to, contact);
                    self.sip.send_to(self.dialogs[index].ack().as_bytes(), from)?;
                    if self.invited[index] != 0 {
                        self.setups.push(clock::now() - self.invited[index]);
                        self.invited[index] = 0;
                        self.up(index, rtp);
                    }
                }
                Heard::Refused { index, status } => {
                    self.sip.send_to(self.dialogs[index].ack().as_bytes(), from)?;
                    self.failed.push(status);
                }
                Heard::Ended { .. } => self.ended += 1,
                Heard::HungUp { index, response } => {
                    self.sip.send_to(response.as_bytes(), from)?;
                    self.callers[index].stop();
                    self.dropped += 1;
                }
                Heard::Nothing => {}
            }
        }
        Ok(())
    }

    /// The call has an address: its packets start in the phase that its number gives it.
    fn up(&mut self, index: usize, rtp: SocketAddr) {
        let phase = index as u64 * 20 * MS / self.load.calls as u64;
        let now = clock::now();
        self.callers[index].start(rtp, now - now % (20 * MS) + 20 * MS + phase);
        if matches!(self.load.target, Target::Bare { .. }) {
            self.setups.push(0);
        }
    }

    fn report(&self) -> serde_json::Value {
        let uplink = self.trace.uplink.lock().map(|uplink| uplink.clone()).unwrap_or_default();
        let packets: usize = self.callers.iter().map(|caller| caller.lateness().len()).sum();
        json!({
            "calls": self.load.calls, "seconds": self.load.seconds, "answered": self.setups.len(), "ended": self.ended, "dropped": self.dropped,
            "packets_received": packets, "lost": self.callers.iter().map(|caller| caller.lost).sum::<u64>(),
            "appends": self.trace.appends.load(Ordering::Relaxed),
            "setup": summary::of(self.setups.clone()), "uplink": summary::of(uplink),
            "lateness": summary::of(self.callers.iter().flat_map(Caller::lateness).collect()),
            "round_trip": summary::of(self.callers.iter().flat_map(|caller| caller.round_trips.clone()).collect()),
        })
    }
}

/// Between two calls: 50 a second.
const CALL_INTERVAL: u64 = 20 * MS;
/// From the last answer to the window: preamble, warm caches.
const SETTLE: u64 = 3000 * MS;
const ANSWER_LIMIT: u64 = 10_000 * MS;

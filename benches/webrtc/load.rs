//! The load's process: the agent on one thread, every page on another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use anyhow::{Result, ensure};
use media::codec::Codec;
use media::units::SampleRate;
use rustix::event::epoll;
use rustix::time::Timespec;
use serde_json::json;

use crate::generator::agent;
use crate::generator::clock::{self, MS};
use crate::generator::trace::{BITS, Trace};
use crate::page::Page;
use crate::peer::Identity;
use crate::speech;

/// What to do.
pub(crate) struct Load {
    pub(crate) pages: usize,
    pub(crate) seconds: u64,
    pub(crate) agent: SocketAddr,
    /// Whom the pages call.
    pub(crate) number: String,
}

/// Runs the load to its end.
pub(crate) fn run(load: &Load) -> Result<()> {
    let listen = load.agent;
    // What is said are no impulses, so the agent only sends it back; a loud sample may look like any caller's number to it.
    let trace = Arc::new(Trace::new(1 << BITS));
    thread::Builder::new().name("agent".to_owned()).spawn(move || {
        if let Err(error) = agent::serve(listen, None, trace) {
            eprintln!("agent: {error:#}");
            std::process::exit(1);
        }
    })?;
    let payloads = speech::payloads(Codec::Opus, SampleRate::HZ_48000)?;
    // Whoever started this process has the gateway to start, now that the agent listens.
    std::io::stdin().read_line(&mut String::new())?;
    Pages::open(load, payloads)?.run()
}

/// Every page, on this thread.
struct Pages<'a> {
    load: &'a Load,
    identity: Identity,
    payloads: Vec<Vec<u8>>,
    pages: Vec<Page>,
    measuring: bool,
}

impl<'a> Pages<'a> {
    fn open(load: &'a Load, payloads: Vec<Vec<u8>>) -> Result<Self> {
        let pages = (0..load.pages).map(Page::open).collect::<Result<_>>()?;
        Ok(Self { load, identity: Identity::generate()?, payloads, pages, measuring: false })
    }

    fn run(mut self) -> Result<()> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (index, page) in self.pages.iter().enumerate() {
            epoll::add(&epoll, page.socket(), epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
        }
        self.call(&epoll)?;
        println!("UP {}", self.pages.len());
        self.turn(&epoll, clock::now() + SETTLE)?;
        self.measuring = true;
        println!("START");
        self.turn(&epoll, clock::now() + self.load.seconds * 1000 * MS)?;
        self.measuring = false;
        println!("END");
        // The subject's memory is read while the calls are up.
        self.turn(&epoll, clock::now() + 500 * MS)?;
        self.pages.iter_mut().try_for_each(Page::hang_up)?;
        let report = self.report();
        self.assert_conversed()?;
        println!("{report}");
        Ok(())
    }

    /// Sets up every call, some a second, and waits until media can go in all of them.
    fn call(&mut self, epoll: &impl std::os::fd::AsFd) -> Result<()> {
        for index in 0..self.pages.len() {
            let answers = self.pages[index].call(&self.load.number, &self.identity)?;
            epoll::add(epoll, answers, epoll::EventData::new_u64(index as u64 | ANSWERS), epoll::EventFlags::IN)?;
            self.turn(epoll, clock::now() + CALL_INTERVAL)?;
        }
        let limit = clock::now() + SET_UP_LIMIT;
        while self.pages.iter().any(|page| page.heard.is_none()) {
            self.turn(epoll, clock::now() + 10 * MS)?;
            let heard = self.pages.iter().filter(|page| page.heard.is_some()).count();
            ensure!(clock::now() < limit, "{heard} of {} pages hear their agent", self.pages.len());
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
            self.pages.iter_mut().try_for_each(|page| page.send_due(now, &self.payloads))?;
            let wait = Timespec { tv_sec: 0, tv_nsec: (MS - clock::now() % MS).cast_signed() };
            events.clear();
            epoll::wait(epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait))?;
            for event in &events {
                let number = event.data.u64();
                let page = &mut self.pages[usize::try_from(number & !ANSWERS)?];
                if number & ANSWERS == 0 {
                    page.receive(self.load.pages, self.measuring)?;
                } else {
                    page.handle_answer(&self.identity)?;
                }
            }
        }
    }

    /// A figure of calls in which nothing was said would be one of something else.
    fn assert_conversed(&self) -> Result<()> {
        for page in &self.pages {
            let expected = self.load.seconds * 50;
            ensure!(page.packets * 100 >= expected * 98, "a page heard {} of {expected} packets", page.packets);
            ensure!(page.octets >= 30 * page.packets, "a page heard {} octets in {} packets", page.octets, page.packets);
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and intervals far below 2^52")]
    fn report(&self) -> serde_json::Value {
        let times = |of: fn(&Page) -> Option<u64>| self.pages.iter().filter_map(of).map(|time| time as f64 / 1e6).collect::<Vec<_>>();
        let sum = |of: fn(&Page) -> u64| self.pages.iter().map(of).sum::<u64>();
        let (packets, octets) = (sum(|page| page.packets), sum(|page| page.octets));
        json!({
            "pages": self.pages.len(), "packets": packets, "lost": sum(|page| page.lost),
            "kbit_per_s": octets as f64 * 8.0 / 1e3 / (self.pages.len() as f64 * self.load.seconds as f64),
            "answers_ms": times(|page| page.answered), "setups_ms": times(|page| page.connected), "heard_ms": times(|page| page.heard),
        })
    }
}

/// Marks events of the connection by which an answer comes.
const ANSWERS: u64 = 1 << 32;
/// Between two calls: 25 a second.
const CALL_INTERVAL: u64 = 40 * MS;
/// From the last set-up to the window: warm caches.
const SETTLE: u64 = 3000 * MS;
const SET_UP_LIMIT: u64 = 15_000 * MS;

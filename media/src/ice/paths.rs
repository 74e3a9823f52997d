//! The paths by which a peer has proved to reach us, each with our own check of it.

use std::time::{Duration, Instant};

use super::stun::TransactionId;
use crate::transport::Flow;

/// A path from which an authentic request came.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) flow: Flow,
    /// Of which generation of credentials the last request on it was.
    pub(super) generation: u32,
    /// The peer has answered a check of ours on it, with the credentials of this generation.
    pub(super) verified: bool,
    /// The peer wants it.
    pub(super) nominated: bool,
    /// When anything authentic came by it last.
    pub(super) heard: Instant,
    /// When something came by it last that is not STUN.
    spoke: Option<Instant>,
    /// The last two of these came as close together as audio does.
    streams: bool,
    /// Our check that is under way.
    pub(super) check: Option<Check>,
}

/// A check that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    pub(super) transaction: TransactionId,
    pub(super) tries: u32,
    /// When it is sent again, or given up.
    pub(super) due: Instant,
}

impl Path {
    fn new(now: Instant, flow: Flow, generation: u32) -> Self {
        Self { flow, generation, verified: false, nominated: false, heard: now, spoke: None, streams: false, check: None }
    }

    /// Something authentic that is not STUN came by it.
    pub(super) fn speaks(&mut self, now: Instant) {
        self.streams = self.spoke.is_some_and(|last| now.saturating_duration_since(last) < STREAM);
        (self.spoke, self.heard) = (Some(now), now);
    }

    /// Nothing has come by it for longer than its peer is ever quiet: one that sends audio is soon missed, one that only listens checks
    /// its path now and then.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) >= if self.streams { SILENT } else { SILENT_LISTENER }
    }
}

/// All paths of a call; bounded.
#[derive(Debug, Default)]
pub(super) struct Paths {
    paths: Vec<Path>,
}

impl Paths {
    /// The path of `flow`, made if there is none; the one heard of longest ago makes room, but never `kept`.
    pub(super) fn enter(&mut self, now: Instant, flow: Flow, generation: u32, kept: Option<Flow>) -> &mut Path {
        let at = match self.paths.iter().position(|path| path.flow == flow) {
            Some(at) => at,
            None => {
                if self.paths.len() >= MOST {
                    let spare = self.paths.iter().enumerate().filter(|(_, path)| Some(path.flow) != kept);
                    if let Some((oldest, _)) = spare.min_by_key(|(_, path)| (path.verified, path.heard)) {
                        self.paths.swap_remove(oldest);
                    }
                }
                self.paths.push(Path::new(now, flow, generation));
                self.paths.len() - 1
            }
        };
        let path = self.paths.get_mut(at).expect("it was found or pushed just now");
        path.heard = now;
        if path.generation != generation {
            *path = Path::new(now, flow, generation);
        }
        path
    }

    pub(super) fn get(&self, flow: Flow) -> Option<&Path> {
        self.paths.iter().find(|path| path.flow == flow)
    }

    pub(super) fn get_mut(&mut self, flow: Flow) -> Option<&mut Path> {
        self.paths.iter_mut().find(|path| path.flow == flow)
    }

    pub(super) fn remove(&mut self, flow: Flow) {
        self.paths.retain(|path| path.flow != flow);
    }

    pub(super) fn clear(&mut self) {
        self.paths.clear();
    }

    /// The verified path that is wanted most: nominated before others, then the one heard of last.
    pub(super) fn best(&self, generation: u32) -> Option<&Path> {
        self.paths.iter().filter(|path| path.verified && path.generation == generation).max_by_key(|path| (path.nominated, path.heard))
    }

    /// Paths whose check is due.
    pub(super) fn due(&self, now: Instant) -> Option<Flow> {
        let is_due = |path: &&Path| path.check.is_some_and(|check| check.due <= now);
        self.paths.iter().find(is_due).map(|path| path.flow)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.paths.iter().filter_map(|path| path.check.map(|check| check.due)).min()
    }
}

impl Check {
    pub(super) fn new(now: Instant, transaction: TransactionId) -> Self {
        Self { transaction, tries: 1, due: now + FIRST_WAIT }
    }

    /// Sent once more, or `None` when it was sent often enough.
    pub(super) fn again(self, now: Instant) -> Option<Self> {
        let tries = self.tries + 1;
        (tries <= TRIES).then(|| Self { tries, due: now + FIRST_WAIT * 2_u32.pow(self.tries), ..self })
    }
}

/// Packets of audio come closer together than this: every 20 ms, and where silence is left out (RFC 7587 §3.1.3) every 400.
const STREAM: Duration = Duration::from_millis(500);
/// How long a peer that sends audio may be quiet before another path of it is taken.
const SILENT: Duration = Duration::from_millis(1_500);
/// The same for one that sends none: browsers check a path that works every 2.5 s, so that one check may be lost.
const SILENT_LISTENER: Duration = Duration::from_millis(6_000);
/// As many paths of a peer are known at one time: a few addresses of its own, both protocols, and one more translator.
const MOST: usize = 8;
/// Before a check is sent again; each time twice as long (RFC 8445 §14.3 asks for 500 ms where nothing is known of the path,
/// but here the peer's own check has just come by it).
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// 100 ms to 3.2 s: 6.3 s altogether.
const TRIES: u32 = 6;

//! WHIP (RFC 9725): calls that web pages make by one HTTP request, as the interface hands them in.
//!
//! What INVITE, 200, BYE are to a telephone, an offer, its answer and a removal are here; the call behind is the same.
//! Candidates of the page are taken note of and not needed: its checks come to us. A restart of ICE is answered at once,
//! with credentials that the call is told of beside.
//!
//! Left out on purpose: offers within a call (RFC 9725 has none), and calls to pages.

mod tokens;
mod turn;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use media::ice::IceCredentials;
use media::sdp::trickle::Fragment;
use tokio::sync::{mpsc, oneshot};

pub use self::tokens::{BrowserTokens, Grant, TooManyTokens};
pub use self::turn::{IceLogin, IceServer, ice_servers};
use super::trunks::CallRate;
use crate::call::command::CommandError;
use crate::call::config::NumberConfig;
use crate::call::event::{IceRestart, RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use crate::call::launch::{BrowserCall, BrowserIce, BrowserLaunchError, BrowserListenError, LaunchRequest, Launcher};
use crate::call::transfer::{TransferNews, TransferRefusal};
use crate::domain::call_record::Direction;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::transfer::TransferOutcome;
use crate::leg::browser_config::WebRtcConfig;

/// The calls of web pages; clones share them.
#[derive(Clone)]
pub struct Whip {
    shared: Arc<Shared>,
}

struct Shared {
    launcher: Launcher,
    rate: Mutex<CallRate>,
    calls: Mutex<Calls>,
    keys: AtomicU64,
    commands: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    tokens: BrowserTokens,
}

#[derive(Default)]
struct Calls {
    running: HashMap<CallId, PageCall>,
    /// Offers that wait for their answer.
    waiting: HashMap<SignallingKey, oneshot::Sender<Result<Bytes, RejectCause>>>,
}

/// A call that runs, as its page may steer it.
struct PageCall {
    org: OrgId,
    key: SignallingKey,
    signals: mpsc::Sender<SignallingEvent>,
    ice: BrowserIce,
    /// Goes up by one with each restart of ICE.
    generation: u64,
    /// Whether it is none, and only listens to one (WHEP).
    listens: bool,
}

/// A wish for a call.
#[derive(Debug)]
pub struct PageOffer {
    /// Whose call it is.
    pub org: OrgId,
    /// Who answers, and how.
    pub number: NumberConfig,
    /// What was called.
    pub to: String,
    /// Who is at the page.
    pub from: Redacted<String>,
    /// Where the request came from.
    pub peer: IpAddr,
    /// SDP.
    pub offer: Bytes,
}

/// A call that was answered.
#[derive(Debug)]
pub struct PageAnswer {
    /// Its identifier.
    pub id: CallId,
    /// SDP.
    pub answer: Bytes,
    /// The version of its ICE.
    pub generation: u64,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub enum Patched {
    /// Candidates, of which note was taken.
    Noted,
    /// ICE starts anew: our side of it, and its version.
    Restarted {
        /// A fragment of ours.
        fragment: String,
        /// The new version.
        generation: u64,
    },
}

/// Why a page's wish is not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum WhipError {
    /// More calls a second than may come.
    #[error("more calls a second than may come")]
    Rate,
    /// It cannot be launched.
    #[error(transparent)]
    Launch(#[from] BrowserLaunchError),
    /// It was launched, and refused itself: its agent is not there, or not in time.
    #[error("the call was refused: {}", .0.name())]
    Rejected(RejectCause),
    /// No such call runs.
    #[error("no such call is running")]
    NotFound,
    /// The fragment was made for another version of ICE.
    #[error("the call has another version of ICE")]
    Changed,
    /// The call takes no listener.
    #[error(transparent)]
    Listener(#[from] CommandError),
    /// The call has too much news waiting.
    #[error("the call is busy")]
    Busy,
}

/// Which version of ICE a fragment is for (`If-Match`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForGeneration {
    /// Whatever it is: `*`, or nothing said.
    Any,
    /// This one.
    Exactly(u64),
}

impl Whip {
    /// Calls over this launcher, and the task that hears what they want of their pages.
    pub fn new(launcher: Launcher, config: &WebRtcConfig) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let rate = Mutex::new(CallRate::new(Instant::now(), config.max_calls_per_second));
        let shared =
            Shared { launcher, rate, calls: Mutex::default(), keys: AtomicU64::new(1), commands, tokens: BrowserTokens::default() };
        let whip = Self { shared: Arc::new(shared) };
        (whip.clone(), whip.hear(inbox))
    }

    /// The tokens of pages.
    #[must_use]
    pub fn tokens(&self) -> &BrowserTokens {
        &self.shared.tokens
    }

    /// The settings of calls from pages; none where they are switched off.
    #[must_use]
    pub fn config(&self) -> Option<&WebRtcConfig> {
        self.shared.launcher.browsers().map(|edge| &edge.config)
    }

    /// Whether a call of a page still runs.
    #[must_use]
    pub fn is_up(&self, org: &OrgId, id: &CallId) -> bool {
        self.calls().find(org, id).is_some_and(|call| !call.listens)
    }

    /// Whether somebody still listens under this name.
    #[must_use]
    pub fn is_listening(&self, org: &OrgId, id: &CallId) -> bool {
        self.calls().find(org, id).is_some_and(|call| call.listens)
    }

    /// Lets a browser listen to a call that runs. What it is known by is a name of its own, in the form of a call's.
    ///
    /// # Errors
    /// When no such call runs, or the offer cannot be answered.
    pub fn listen(&self, org: &OrgId, call: &CallId, offer: &[u8]) -> Result<PageAnswer, WhipError> {
        let listener = self.shared.launcher.listen_browser(org, call, offer).map_err(|error| match error {
            BrowserListenError::Browser(error) => WhipError::Launch(error),
            BrowserListenError::Command(error) => WhipError::Listener(error),
        })?;
        let (id, key) = (CallId::random(), self.next_key());
        let page = PageCall { org: org.clone(), key, signals: listener.signals, ice: listener.ice, generation: 1, listens: true };
        self.enter(id.clone(), page);
        Ok(PageAnswer { id, answer: listener.answer, generation: 1 })
    }

    /// Makes a call, and answers when it does.
    ///
    /// # Errors
    /// When it cannot be made, or refuses itself.
    pub async fn call(&self, offer: PageOffer) -> Result<PageAnswer, WhipError> {
        let refused = |error: WhipError| {
            self.shared.launcher.metrics().call_refused(error.metric());
            error
        };
        if !self.shared.rate.lock().unwrap_or_else(PoisonError::into_inner).admits(Instant::now()) {
            return Err(refused(WhipError::Rate));
        }
        let key = self.next_key();
        let (tell, answer) = oneshot::channel();
        let org = offer.org.clone();
        self.calls().waiting.insert(key, tell);
        let launched = self.shared.launcher.launch_browser(self.request(key, offer)).map_err(|error| {
            self.calls().waiting.remove(&key);
            refused(error.into())
        })?;
        let BrowserCall { launched, ice } = launched;
        let (id, signals) = (launched.id, launched.signals);
        self.enter(id.clone(), PageCall { org, key, signals, ice, generation: 1, listens: false });
        match answer.await {
            Ok(Ok(answer)) => Ok(PageAnswer { id, answer, generation: 1 }),
            Ok(Err(cause)) => Err(refused(WhipError::Rejected(cause))),
            Err(_) => Err(refused(WhipError::Rejected(RejectCause::Internal))),
        }
    }

    /// Takes a fragment of a page: candidates, or a restart of ICE.
    ///
    /// # Errors
    /// When no such call runs, or it is not the version that the fragment is for.
    pub fn patch(&self, org: &OrgId, id: &CallId, fragment: &Fragment, wanted: ForGeneration) -> Result<Patched, WhipError> {
        let mut calls = self.calls();
        let call = calls.find(org, id).ok_or(WhipError::NotFound)?;
        if wanted != ForGeneration::Any && wanted != ForGeneration::Exactly(call.generation) {
            return Err(WhipError::Changed);
        }
        let Some(remote) = fragment.credentials.as_ref().filter(|credentials| **credentials != call.ice.remote) else {
            let stale = fragment.ufrag.as_ref().is_some_and(|ufrag| *ufrag != call.ice.remote.ufrag);
            return if stale { Err(WhipError::Changed) } else { Ok(Patched::Noted) };
        };
        let local: IceCredentials = call.ice.renewed();
        let restarted = SignallingEvent::IceRestarted(Box::new(IceRestart { local: local.clone(), remote: remote.clone() }));
        call.signals.try_send(restarted).map_err(|_| WhipError::Busy)?;
        (call.ice.local, call.ice.remote, call.generation) = (local, remote.clone(), call.generation + 1);
        let fragment = Fragment::answer(&call.ice.local, call.ice.candidates.iter().cloned(), &call.ice.mid);
        Ok(Patched::Restarted { fragment, generation: call.generation })
    }

    /// The page hangs up.
    ///
    /// # Errors
    /// When no such call runs.
    pub fn end(&self, org: &OrgId, id: &CallId) -> Result<(), WhipError> {
        let mut calls = self.calls();
        let call = calls.find(org, id).ok_or(WhipError::NotFound)?;
        call.signals.try_send(SignallingEvent::HungUp).map_err(|_| WhipError::Busy)?;
        calls.running.remove(id);
        Ok(())
    }

    fn next_key(&self) -> SignallingKey {
        SignallingKey(self.shared.keys.fetch_add(1, Ordering::Relaxed))
    }

    fn request(&self, key: SignallingKey, offer: PageOffer) -> LaunchRequest {
        let PageOffer { org, number, to, from, peer, offer } = offer;
        LaunchRequest {
            key,
            org,
            codecs: None,
            direction: Direction::Inbound,
            line: crate::leg::line_rules::LineRules::default(),
            others: Vec::new(),
            analysis: number.analysis,
            enhancement: number.enhancement(),
            keys: number.keys(),
            keys_to_agent: number.dtmf_to_agent,
            conduct: number.conduct.clone(),
            briefing: None,
            from,
            to: Redacted::new(to),
            agents: number.agents(),
            verification: None,
            arrival: None,
            answer: number.answer,
            peer,
            offer: Some(offer),
            signalling: self.shared.commands.clone(),
        }
    }

    fn enter(&self, id: CallId, call: PageCall) {
        let mut calls = self.calls();
        // As many as run are known, and those that are just over.
        if calls.running.len() >= SWEPT_AT {
            calls.running.retain(|_, call| !call.signals.is_closed());
        }
        calls.running.insert(id, call);
    }

    async fn hear(self, mut inbox: mpsc::Receiver<(SignallingKey, SignallingCommand)>) {
        while let Some((key, command)) = inbox.recv().await {
            self.take(key, command);
        }
    }

    /// What a call wants of its page, which is asked nothing: it hears by the media, and by its own channel.
    fn take(&self, key: SignallingKey, command: SignallingCommand) {
        let mut calls = self.calls();
        match command {
            SignallingCommand::Answer { sdp } => {
                if let Some(waiting) = calls.waiting.remove(&key) {
                    // Whoever asked may have gone; then the page never comes, and the call ends by its own deadline.
                    let _ = waiting.send(Ok(sdp));
                }
            }
            SignallingCommand::Reject(cause) => {
                if let Some(waiting) = calls.waiting.remove(&key) {
                    let _ = waiting.send(Err(cause));
                }
                calls.running.retain(|_, call| call.key != key);
            }
            SignallingCommand::Hangup => {
                calls.waiting.remove(&key);
                calls.running.retain(|_, call| call.key != key);
            }
            SignallingCommand::Transfer(order) => {
                if let Some(reply) = &order.reply {
                    reply.tell(Err(TransferRefusal::NotAllowed));
                }
                if let Some(call) = calls.running.values().find(|call| call.key == key) {
                    let _ = call.signals.try_send(SignallingEvent::Transfer(TransferNews::Ended(TransferOutcome::Refused)));
                }
            }
            SignallingCommand::Ring
            | SignallingCommand::Progress { .. }
            | SignallingCommand::AcceptReoffer { .. }
            | SignallingCommand::RejectReoffer { .. }
            | SignallingCommand::AcceptTakeover { .. }
            | SignallingCommand::RejectTakeover
            | SignallingCommand::Move { .. }
            | SignallingCommand::RejectMove
            | SignallingCommand::Offer { .. } => {}
        }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn find(&mut self, org: &OrgId, id: &CallId) -> Option<&mut PageCall> {
        self.running.get_mut(id).filter(|call| call.org == *org && !call.signals.is_closed())
    }
}

impl WhipError {
    /// One of a closed list, for the metric.
    const fn metric(&self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Launch(BrowserLaunchError::Launch(error)) => error.reject_cause().name(),
            Self::Launch(_) => "not_acceptable",
            Self::Rejected(cause) => cause.name(),
            Self::NotFound | Self::Changed | Self::Busy | Self::Listener(_) => "internal",
        }
    }
}

impl std::fmt::Debug for Whip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whip").field("calls", &self.calls().running.len()).finish_non_exhaustive()
    }
}

/// Commands of all calls that may wait.
const COMMANDS: usize = 1_024;
/// Calls at which those that are over are looked for.
const SWEPT_AT: usize = 256;

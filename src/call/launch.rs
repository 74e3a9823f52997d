//! From a wish for a call to a call on a media thread: admission, ports, wiring.
//!
//! Every refusal happens here, before anything of the call exists: a full table, no free port, no agreement on the
//! media. What was taken is given back by being dropped.

mod begin;
mod browser;
mod drawn;
mod lineup;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Codec;
use media::enhancement::Enhancement;
use media::rtcp::ReporterConfig;
use media::sdp::{CodecPolicy, RemoteRule, TransportPolicy};
use media::transport::SourceRule;
use tokio::sync::{broadcast, mpsc};

use super::agent_book::AgentBook;
use super::agent_health::AgentHealth;
use super::command::CallCommand;
use super::config::{AnswerRule, CallsConfig};
use super::egress_policy::EgressConfig;
use super::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use super::phrase::Phrase;
use super::records::Records;
use super::registry::CallRegistry;
use super::session::SessionPolicy;
use super::thread::MediaThreads;
use super::tools::run::ToolRunner;
use super::wire::CallWire;
use crate::agent::conduct::Conduct;
use crate::agent::config::AgentConfig;
use crate::domain::arrival::Arrival;
use crate::domain::call_record::Direction;
use crate::domain::caller_verification::CallerVerification;
use crate::domain::event::Event;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::termination::PolicyReason;
use crate::leg::codecs::CodecNames;
use crate::leg::config::{self, RtpConfig};
use crate::leg::keypad::KeyRules;
use crate::leg::line_rules::LineRules;
use crate::leg::plan::{LegError, LegPlan, LineTerms, PlannedLeg};
use crate::net::port_range::{PortError, PortPair, PortRange};
use crate::telemetry::metrics::Metrics;
pub use browser::{BrowserCall, BrowserEdge, BrowserIce, BrowserLaunchError, BrowserListenError, BrowserListener};
use drawn::{Drawn, draw, draw_key_seed, ntp_base};

/// Makes calls; clones share everything.
#[derive(Clone)]
pub struct Launcher {
    shared: Arc<Resources>,
}

/// What calls are made of.
pub struct Resources {
    /// Where they run.
    pub threads: Arc<MediaThreads>,
    /// Their ports.
    pub ports: PortRange,
    /// Their table.
    pub registry: CallRegistry,
    /// Their rules.
    pub calls: CallsConfig,
    /// Their addresses.
    pub rtp: RtpConfig,
    /// What calls of web pages need; none where pages may not call.
    pub browsers: Option<BrowserEdge>,
    /// Their agents.
    pub agents: AgentBook,
    /// What runs the tools of agents.
    pub runner: Option<ToolRunner>,
    /// How their agents fare.
    pub health: AgentHealth,
    /// Whose callers' audio may go to which agents.
    pub egress: EgressConfig,
    /// What a caller hears who has to wait for an agent.
    pub waiting_phrase: Option<Arc<Phrase>>,
    /// Where they leave what they leave.
    pub records: Records,
}

/// A wish for a call.
#[derive(Debug)]
pub struct LaunchRequest {
    /// The call's name in signalling.
    pub key: SignallingKey,
    /// Whose call it is.
    pub org: OrgId,
    /// The codecs, where they are not those of every call.
    pub codecs: Option<CodecNames>,
    /// Who dialled.
    pub direction: Direction,
    /// What is agreed with its trunk on audio.
    pub line: LineRules,
    /// The lines by which an outbound call is tried next, each with its own rules and its own far end.
    pub others: Vec<(LineRules, IpAddr)>,
    /// Whether the line is listened to; it always is where the gateway decides turns.
    pub analysis: bool,
    /// What is made of the caller's audio before the agent hears it.
    pub enhancement: Enhancement,
    /// What becomes of keys.
    pub keys: KeyRules,
    /// Whether the agent is told which keys are pressed.
    pub keys_to_agent: bool,
    /// How it is led, where that is not as the agent's settings say.
    pub conduct: Option<Conduct>,
    /// What the agent is to tell whoever answers, in the place of all else that it is told.
    pub briefing: Option<Redacted<String>>,
    /// The caller.
    pub from: Redacted<String>,
    /// The called.
    pub to: Redacted<String>,
    /// Whether somebody answers for the caller's number, where that was asked.
    pub verification: Option<CallerVerification>,
    /// What the networks between say of how it came here.
    pub arrival: Option<Arrival>,
    /// Names of the agents, in the order in which they are tried.
    pub agents: Vec<String>,
    /// When an inbound call is answered.
    pub answer: AnswerRule,
    /// Where the far end's signalling comes from, or goes to.
    pub peer: IpAddr,
    /// The far end's offer; none when we dial, or are asked to offer.
    pub offer: Option<Bytes>,
    /// The way to signalling.
    pub signalling: mpsc::Sender<(SignallingKey, SignallingCommand)>,
}

/// A call that runs.
#[derive(Debug)]
pub struct Launched {
    /// Its identifier.
    pub id: CallId,
    /// The way to it for signalling.
    pub signals: mpsc::Sender<SignallingEvent>,
    /// Our offers where the far end made none: by the line of the request, then by its others.
    pub offers: Vec<Bytes>,
}

/// Why a call was not made.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// No such agent is configured.
    #[error("no such agent is configured")]
    UnknownAgent,
    /// No agent of the call has the agreement without which its callers' audio may not go there.
    #[error("no agent has the agreement that the organisation needs")]
    NoAgreement,
    /// As many calls run as may.
    #[error("as many calls are up as may be")]
    Capacity,
    /// No RTP port, or no randomness for its stream.
    #[error("no RTP port")]
    Port(#[from] PortError),
    /// No agreement on the media.
    #[error("no agreement on the media")]
    Media(#[from] LegError),
    /// The media threads take no more.
    #[error("the media threads take no more")]
    Saturated,
}

impl LaunchError {
    /// What an inbound caller is told.
    #[must_use]
    pub const fn reject_cause(&self) -> RejectCause {
        match self {
            Self::UnknownAgent => RejectCause::UnknownNumber,
            Self::Media(_) => RejectCause::NotAcceptable,
            Self::NoAgreement => RejectCause::NoAgreement,
            Self::Capacity | Self::Port(_) | Self::Saturated => RejectCause::Unavailable,
        }
    }
}

impl Launcher {
    /// A launcher over these resources.
    #[must_use]
    pub fn new(resources: Resources) -> Self {
        Self { shared: Arc::new(resources) }
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.shared.records.metrics
    }

    /// Asks a call to end by a rule. False when it is over or busy, and stays as it is.
    #[must_use]
    pub fn end(&self, org: &OrgId, id: &CallId, reason: PolicyReason) -> bool {
        let asked = self.shared.registry.command(org, id, CallCommand::End(reason));
        if let Err(error) = asked {
            tracing::debug!(call = %id, %error, "call_not_ended");
        }
        asked.is_ok()
    }

    /// Whoever watches what happens.
    #[must_use]
    pub fn events(&self) -> &broadcast::Sender<Event> {
        &self.shared.records.events
    }

    /// Makes a call and starts it on a media thread.
    ///
    /// # Errors
    /// When there is no room, no port, no such agent, or no agreement on the media; nothing is left behind.
    pub fn launch(&self, request: LaunchRequest) -> Result<Launched, LaunchError> {
        let lineup = self.lineup(&request)?;
        let Resources { ports, .. } = &*self.shared;
        let began = Instant::now();
        let pair = ports.allocate(began)?;
        let plan = self.plan(began, &pair, &request, &lineup.first.config);
        let (leg, offers) = match &request.offer {
            Some(offer) => (PlannedLeg::answering(began, plan, offer)?, Vec::new()),
            None => {
                let terms = |(line, peer): &(LineRules, IpAddr)| self.terms(line, *peer, request.codecs.as_ref(), pair.lease.rtp_port()).0;
                PlannedLeg::offering(plan, request.others.iter().map(terms).collect())
            }
        };
        let (id, signals) = self.begin(began, request, lineup, leg, CallWire::Ports(pair), None)?;
        Ok(Launched { id, signals, offers })
    }

    /// What holds on another line of a call that runs; the call knows its port.
    #[must_use]
    pub fn line(&self, line: &LineRules, peer: IpAddr) -> LineTerms {
        self.terms(line, peer, None, 0).0
    }

    /// Whether no call is taken any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.registry.is_closed()
    }

    fn plan(&self, now: Instant, pair: &PortPair, request: &LaunchRequest, agent: &AgentConfig) -> LegPlan {
        let Resources { rtp, calls, .. } = &*self.shared;
        let (LineTerms { codecs, transport, source }, Drawn { seed, number, cname }) =
            self.terms(&request.line, request.peer, request.codecs.as_ref(), pair.lease.rtp_port());
        let port = pair.lease.rtp_port();
        LegPlan {
            codecs,
            transport,
            source,
            local_rtp: SocketAddr::new(rtp.address, port),
            local_rtcp: SocketAddr::new(rtp.address, port + 1),
            seed,
            reporter: ReporterConfig::new(seed.ssrc, cname, Codec::Pcmu, ntp_base(now), number),
            gap_wait_max: Duration::from_millis(u64::from(calls.gap_wait_max_ms)),
            keys: request.keys,
            enhancement: request.enhancement,
            agent_format: agent.format.into(),
        }
    }

    /// What is said on one line, and what was drawn for it.
    fn terms(&self, line: &LineRules, peer: IpAddr, codecs: Option<&CodecNames>, port: u16) -> (LineTerms, Drawn) {
        let Resources { rtp, .. } = &*self.shared;
        let drawn = draw();
        let source = line.source.unwrap_or(rtp.source);
        let advertised = SocketAddr::new(line.advertised.unwrap_or_else(|| rtp.public_address()), port);
        let codecs = line.codecs.as_ref().or(codecs).unwrap_or(&rtp.codecs).codecs();
        let usual = CodecPolicy::new(codecs).leaving_out_silence(rtp.silence_suppression);
        let terms = LineTerms {
            codecs: CodecPolicy {
                order: line.codec_order.unwrap_or(rtp.codec_order).into(),
                ptime: line.ptime.unwrap_or(usual.ptime),
                max_ptime: line.max_ptime.unwrap_or(usual.max_ptime),
                ..usual
            },
            transport: TransportPolicy {
                srtp: line.srtp.unwrap_or(rtp.srtp).policy(draw_key_seed()),
                ..TransportPolicy::new(advertised, drawn.number >> 1, remote_rule(line, source, peer))
            },
            source: match source {
                config::SourceRule::Address => SourceRule::Address,
                config::SourceRule::Exact => SourceRule::Exact,
                config::SourceRule::Learn => SourceRule::Learn,
            },
        };
        (terms, drawn)
    }

    fn policy(&self, answer: AnswerRule) -> SessionPolicy {
        let calls = &self.shared.calls;
        SessionPolicy {
            answer,
            agent_ready_limit: Duration::from_millis(u64::from(calls.agent_ready_timeout_ms)),
            no_answer_limit: NO_ANSWER_LIMIT,
            max_duration: Duration::from_secs(u64::from(calls.max_duration_s)),
            rtp_limit: Duration::from_secs(u64::from(calls.rtp_timeout_s)),
        }
    }
}

/// Media goes to where signalling is, and to where the trunk's media servers are.
fn remote_rule(line: &LineRules, source: config::SourceRule, signalling: IpAddr) -> RemoteRule {
    let networks: Vec<_> =
        line.media_networks.iter().filter_map(|network| media::sdp::Network::new(network.address(), network.prefix_len())).collect();
    match source {
        config::SourceRule::Learn => RemoteRule::Translated { signalling, networks },
        _ if networks.is_empty() => RemoteRule::Signalling(signalling),
        _ => RemoteRule::Networks { signalling, networks },
    }
}

/// How long a far end that we dialled may ring.
const NO_ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Commands that may wait for a call.
const COMMAND_QUEUE: usize = 8;

/// News of signalling that may wait for a call.
const SIGNAL_QUEUE: usize = 16;

//! From a wish for a call to a call on a media thread: admission, ports, wiring.
//!
//! Every refusal happens here, before anything of the call exists: a full table, no free port, no agreement on the
//! media. What was taken is given back by being dropped.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;
use media::sdp::{CodecPolicy, RemoteRule, TransportPolicy};
use media::transport::SourceRule;
use tokio::sync::mpsc;

use super::call::{Call, CallSetup};
use super::config::CallsConfig;
use super::driver::{CallWiring, RecordSinks, drive};
use super::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use super::journal::CallIdentity;
use super::registry::CallRegistry;
use super::session::{AnswerPolicy, SessionPolicy};
use super::thread::MediaThreads;
use crate::agent::AgentConfig;
use crate::domain::ids::CallId;
use crate::leg::config::RtpConfig;
use crate::leg::plan::{LegPlan, PlannedLeg};
use crate::net::port_range::{PortPair, PortRange};

/// Makes calls; clones share everything.
#[derive(Clone, Debug)]
pub struct Launcher {
    shared: Arc<Resources>,
}

/// What calls are made of.
#[derive(Debug)]
pub struct Resources {
    /// Where they run.
    pub threads: MediaThreads,
    /// Their ports.
    pub ports: PortRange,
    /// Their table.
    pub registry: CallRegistry,
    /// Their rules.
    pub calls: CallsConfig,
    /// Their addresses.
    pub rtp: RtpConfig,
    /// Their agents by name.
    pub agents: HashMap<String, Arc<AgentConfig>>,
    /// Where connections are made.
    pub control: tokio::runtime::Handle,
    /// Where their records go.
    pub records: RecordSinks,
}

/// A wish for a call.
#[derive(Debug)]
pub struct LaunchRequest {
    /// The call's name in signalling.
    pub key: SignallingKey,
    /// Whose call it is.
    pub org: OrgId,
    /// The caller.
    pub from: Redacted<String>,
    /// The called.
    pub to: Redacted<String>,
    /// Name of the agent.
    pub agent: String,
    /// When an inbound call is answered.
    pub answer: AnswerRule,
    /// Where the far end's signalling comes from, or goes to.
    pub peer: IpAddr,
    /// The far end's offer; none when we dial.
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
    /// Our offer, when we dial.
    pub offer: Option<Bytes>,
}

/// Why a call was not made.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// No such agent is configured.
    #[error("no such agent is configured")]
    UnknownAgent,
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

    /// Makes a call and starts it on a media thread.
    ///
    /// # Errors
    /// When there is no room, no port, no such agent, or no agreement on the media; nothing is left behind.
    pub fn launch(&self, request: LaunchRequest) -> Result<Launched, LaunchError> {
        let Resources { registry, agents, ports, records, control, .. } = &*self.shared;
        let agent = agents.get(&request.agent).ok_or(LaunchError::UnknownAgent)?;
        let pair = ports.allocate(Instant::now())?;
        let plan = self.plan(&pair, request.peer, agent)?;
        let (leg, offer) = match &request.offer {
            Some(offer) => (PlannedLeg::answering(plan, offer)?, None),
            None => {
                let (leg, offer) = PlannedLeg::offering(plan);
                (leg, Some(offer))
            }
        };
        let direction = if offer.is_some() { Direction::Outbound } else { Direction::Inbound };
        let (id, (commands_in, commands)) = (CallId::random(), mpsc::channel(COMMAND_QUEUE));
        let entry = registry.enter(id.clone(), request.org.clone(), commands_in).ok_or(LaunchError::Capacity)?;
        let (signals_in, signals) = mpsc::channel(SIGNAL_QUEUE);
        let setup = CallSetup {
            identity: CallIdentity { id: id.clone(), org: request.org, direction, from: request.from, to: request.to, agent: request.agent },
            policy: self.policy(request.answer),
            agent: Arc::clone(agent),
            leg,
        };
        let wiring = CallWiring {
            ports: pair,
            entry,
            key: request.key,
            signalling: request.signalling,
            signals,
            commands,
            agent: Arc::clone(agent),
            control: control.clone(),
            records: records.clone(),
        };
        self.start(setup, wiring)?;
        Ok(Launched { id, signals: signals_in, offer })
    }

    fn start(&self, setup: CallSetup, wiring: CallWiring) -> Result<(), LaunchError> {
        let (began, wall) = (Instant::now(), Utc::now());
        let task = move |thread: ThreadContext| -> Pin<Box<dyn Future<Output = ()>>> {
            let phase = thread.wheel.phase(began);
            let call = Call::new(began, wall, phase.first_slot(), setup);
            Box::pin(drive(call, wiring, thread, phase))
        };
        self.shared.threads.spawn(Box::new(task)).map_err(|_| LaunchError::Saturated)
    }

    fn plan(&self, pair: &PortPair, peer: IpAddr, agent: &AgentConfig) -> Result<LegPlan, PortError> {
        let Resources { rtp, calls, .. } = &*self.shared;
        let [ssrc, sequence, timestamp, session_id, interval] = random_words();
        let seed = RtpSeed {
            ssrc: Ssrc(ssrc),
            sequence: SequenceNumber(sequence.to_be_bytes().into_iter().take(2).fold(0, |all, byte| all << 8 | u16::from(byte))),
            timestamp: RtpTimestamp(timestamp),
        };
        let port = pair.rtp_port();
        let advertised = rtp.public_address();
        Ok(LegPlan {
            codecs: CodecPolicy::default(),
            transport: TransportPolicy {
                rtp: SocketAddr::new(advertised, port),
                session_id: u64::from(session_id),
                session_version: 0,
                remote: RemoteRule::signalling(peer),
            },
            source: rtp.source.into(),
            local_rtp: SocketAddr::new(rtp.address, port),
            local_rtcp: SocketAddr::new(rtp.address, port + 1),
            seed,
            reporter: reporter_config(seed, advertised, interval),
            gap_wait: Duration::from_millis(u64::from(calls.gap_wait_ms)),
            agent_format: agent.audio_format(),
        })
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

/// How long a far end that we dialled may ring.
const NO_ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Commands that may wait for a call.
const COMMAND_QUEUE: usize = 8;

/// News of signalling that may wait for a call.
const SIGNAL_QUEUE: usize = 16;

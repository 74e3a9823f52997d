//! From a wish for a call to a call on a media thread: admission, ports, wiring.
//!
//! Every refusal happens here, before anything of the call exists: a full table, no free port, no agreement on the
//! media. What was taken is given back by being dropped.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes};
use chrono::Utc;
use media::barge_in::Config;
use media::codec::Codec;
use media::enhancement::Enhancement;
use media::rtcp::{NtpBase, ReporterConfig};
use media::rtp::RtpSeed;
use media::sdp::{CodecPolicy, RemoteRule, TransportPolicy};
use media::transport::SourceRule;
use media::units::{RtpTimestamp, SequenceNumber, Ssrc};
use tokio::sync::{broadcast, mpsc};

use super::agents::Agents;
use super::call::{Call, CallSetup};
use super::command::CallCommand;
use super::config::{AnswerRule, CallsConfig};
use super::driver::{CallWiring, drive};
use super::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use super::journal::CallIdentity;
use super::records::Records;
use super::registry::CallRegistry;
use super::session::SessionPolicy;
use super::thread::{MediaThreads, ThreadContext};
use crate::agent::conduct::Conduct;
use crate::agent::config::AgentConfig;
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
    /// Their agents.
    pub agents: Agents,
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
    /// Name of the agent.
    pub agent: String,
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
        let Resources { registry, agents, ports, records, .. } = &*self.shared;
        let agent = agents.find(&request.org, &request.agent).ok_or(LaunchError::UnknownAgent)?;
        let agent = agent.with_briefing(request.briefing.as_ref());
        let began = Instant::now();
        let pair = ports.allocate(began)?;
        let plan = self.plan(began, &pair, &request, &agent.config);
        let (leg, offers) = match &request.offer {
            Some(offer) => (PlannedLeg::answering(began, plan, offer)?, Vec::new()),
            None => {
                let terms = |(line, peer): &(LineRules, IpAddr)| self.terms(line, *peer, request.codecs.as_ref(), pair.lease.rtp_port()).0;
                PlannedLeg::offering(plan, request.others.iter().map(terms).collect())
            }
        };
        let direction = request.direction;
        let (id, (commands_in, commands)) = (CallId::random(), mpsc::channel(COMMAND_QUEUE));
        let entry = registry.enter(id.clone(), request.org.clone(), commands_in).ok_or(LaunchError::Capacity)?;
        let (signals_in, signals) = mpsc::channel(SIGNAL_QUEUE);
        let setup = CallSetup {
            identity: CallIdentity {
                id: id.clone(),
                org: request.org,
                direction,
                from: request.from,
                to: request.to,
                verification: request.verification,
                agent: request.agent,
                agent_version: agent.version,
            },
            policy: self.policy(request.answer),
            agent: Arc::clone(&agent.config),
            tools: Arc::clone(&agent.tools),
            conduct: request.conduct.filter(|_| request.briefing.is_none()).unwrap_or_else(|| agent.config.conduct.clone()),
            keys_to_agent: request.keys_to_agent,
            leg,
        };
        let wiring = CallWiring {
            ports: pair,
            entry,
            key: request.key,
            signalling: request.signalling,
            signals,
            commands,
            agent: Arc::clone(&agent.endpoint),
            tools: Arc::clone(&agent.tools),
            records: records.clone(),
        };
        let (org, caller, dialled) = (setup.identity.org.clone(), setup.identity.from.clone(), setup.identity.to.clone());
        let turns = agent.config.turn_detection.by_gateway();
        let listens = (request.analysis || turns.is_some()).then_some(turns);
        self.start(began, setup, listens, wiring)?;
        records.started(&id, &org, direction, request.peer);
        if direction == Direction::Inbound {
            records.recognise(registry.clone(), id.clone(), org, caller, dialled);
        }
        Ok(Launched { id, signals: signals_in, offers })
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

    fn start(&self, began: Instant, setup: CallSetup, listens: Option<Option<Config>>, wiring: CallWiring) -> Result<(), LaunchError> {
        let wall = Utc::now();
        let task = move |thread: ThreadContext| -> Pin<Box<dyn Future<Output = ()>>> {
            let phase = thread.wheel.phase(began);
            let mut call = Box::new(Call::new(began, wall, phase.first_slot(), setup));
            if let Some(turns) = listens {
                call.listen(turns);
            }
            Box::pin(drive(call, Box::new(wiring), thread, phase))
        };
        self.shared.threads.spawn(Box::new(task)).map_err(|_| LaunchError::Saturated)
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

/// What of a leg must not be guessed.
struct Drawn {
    /// Where its stream begins.
    seed: RtpSeed,
    /// For whatever else.
    number: u64,
    /// Our name in reports: 96 bits that mean nothing (RFC 7022 §4.2).
    cname: String,
}

fn draw() -> Drawn {
    let mut random = [0; 32];
    getrandom::fill(&mut random).expect("the operating system provides randomness");
    let mut random = random.as_slice();
    let seed =
        RtpSeed { ssrc: Ssrc(random.get_u32()), sequence: SequenceNumber(random.get_u16()), timestamp: RtpTimestamp(random.get_u32()) };
    let number = random.get_u64();
    Drawn { seed, number, cname: hex::encode(random.get(..12).unwrap_or_default()) }
}

/// What a call's SRTP keys are made of.
fn draw_key_seed() -> [u8; 32] {
    let mut random = [0; 32];
    getrandom::fill(&mut random).expect("the operating system provides randomness");
    random
}

/// Which NTP time `now` is (RFC 3550 §4).
fn ntp_base(now: Instant) -> NtpBase {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    NtpBase { at: now, ntp: (unix.as_secs() + NTP_TO_UNIX_S) << 32 | fraction }
}

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

/// How long a far end that we dialled may ring.
const NO_ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Commands that may wait for a call.
const COMMAND_QUEUE: usize = 8;

/// News of signalling that may wait for a call.
const SIGNAL_QUEUE: usize = 16;

//! Calls of web pages: the answer names the port of the thread that will own the call, so the thread is chosen first.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::codec::Codec;
use media::enhancement::Enhancement;
use media::frame::AudioFormat;
use media::ice::IceCredentials;
use media::rtcp::ReporterConfig;
use media::sdp::webrtc::{LocalAddress, WebRtcAgreement, WebRtcAnswerError, WebRtcPolicy, answer};
use media::sdp::{Candidate, CodecOrder, CodecPolicy, Direction, RemoteRule, SdpError, SessionDescription, TransportPolicy};
use media::transport::SourceRule;
use media::transport::webrtc::{DtlsError, DtlsIdentity, WebRtc, WebRtcSetup};
use tokio::sync::mpsc;

use super::{Drawn, LaunchError, LaunchRequest, Launched, Launcher, Resources, SIGNAL_QUEUE, draw, draw_key_seed, ntp_base};
use crate::call::command::CommandError;
use crate::call::event::SignallingEvent;
use crate::call::mux::RouteName;
use crate::call::thread::ThreadContext;
use crate::call::whep;
use crate::call::wire::CallWire;
use crate::domain::ids::{CallId, OrgId};
use crate::leg::browser_config::WebRtcConfig;
use crate::leg::keypad::KeyRules;
use crate::leg::plan::{LegPlan, PlannedLeg};

/// What calls of web pages need beyond those of telephones.
#[derive(Debug)]
pub struct BrowserEdge {
    /// Our certificate.
    pub identity: DtlsIdentity,
    /// Its settings.
    pub config: WebRtcConfig,
    /// What browsers are told of the port of each media thread.
    pub addresses: Vec<Vec<LocalAddress>>,
}

/// A call of a web page that runs.
#[derive(Debug)]
pub struct BrowserCall {
    /// The call; our answer comes by signalling.
    pub launched: Launched,
    /// What a restart of ICE needs.
    pub ice: BrowserIce,
}

/// What the two sides of a browser call are known by, and where ours is.
#[derive(Clone, Debug)]
pub struct BrowserIce {
    /// The beginning of each of our user fragments.
    pub route: RouteName,
    /// What the page was told to call us by.
    pub local: IceCredentials,
    /// What we call the page by.
    pub remote: IceCredentials,
    /// Where we are.
    pub candidates: Vec<Candidate>,
    /// What the page calls the audio.
    pub mid: String,
}

/// A browser that listens.
#[derive(Debug)]
pub struct BrowserListener {
    /// SDP.
    pub answer: Bytes,
    /// The way to it.
    pub signals: mpsc::Sender<SignallingEvent>,
    /// What a restart of ICE needs.
    pub ice: BrowserIce,
}

/// What is made of what a browser says, and what is said to it.
struct Hears {
    keys: KeyRules,
    enhancement: Enhancement,
    format: AudioFormat,
}

/// Why a browser does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BrowserListenError {
    /// As for a call.
    #[error(transparent)]
    Browser(#[from] BrowserLaunchError),
    /// The call takes no listener.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Why a web page's call was not made.
#[derive(Debug, thiserror::Error)]
pub enum BrowserLaunchError {
    /// Pages may not call.
    #[error("calls from web pages are switched off")]
    Off,
    /// The offer cannot be read.
    #[error("the offer is no session description: {0}")]
    Sdp(#[from] SdpError),
    /// It can be read, but not answered.
    #[error("{0}")]
    Answer(#[from] WebRtcAnswerError),
    /// DTLS cannot be set up.
    #[error(transparent)]
    Dtls(#[from] DtlsError),
    /// As for any call.
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

impl BrowserIce {
    /// Fresh credentials of ours: the next generation.
    #[must_use]
    pub fn renewed(&self) -> IceCredentials {
        credentials(self.route)
    }
}

impl Launcher {
    /// Makes the call that a web page offers, and starts it on the media thread whose port the answer names.
    ///
    /// # Errors
    /// When there is no room, no such agent, or no agreement; nothing is left behind.
    pub fn launch_browser(&self, request: LaunchRequest) -> Result<BrowserCall, BrowserLaunchError> {
        let Resources { threads, browsers, .. } = &*self.shared;
        let edge = browsers.as_ref().ok_or(BrowserLaunchError::Off)?;
        let lineup = self.lineup(&request)?;
        let offer = SessionDescription::parse(request.offer.as_deref().unwrap_or_default())?;
        let (began, thread, route) = (Instant::now(), threads.choose(), RouteName::random());
        let addresses = edge.addresses.get(thread).ok_or(BrowserLaunchError::Off)?;
        let drawn = draw();
        let policy = self.browser_policy(edge, addresses, &drawn, route);
        let agreement = answer(&offer, &policy)?;
        let ice = browser_ice(&offer, route, &policy, &agreement);
        let hears = Hears { keys: request.keys, enhancement: request.enhancement, format: lineup.first.config.format.into() };
        let plan = self.browser_plan(began, policy, drawn, hears);
        let leg = browser_leg(began, edge, plan, &ice, agreement)?;
        let (id, signals) = self.begin(began, request, lineup, leg, CallWire::Browser(route), Some(thread))?;
        Ok(BrowserCall { launched: Launched { id, signals, offers: Vec::new() }, ice })
    }

    /// Lets a browser listen to a call of `org` that runs, from a media thread's port: our answer, and the way to the listener.
    ///
    /// # Errors
    /// When no such call runs, there is no room, or no agreement; nothing is left behind.
    pub fn listen_browser(&self, org: &OrgId, call: &CallId, offer: &[u8]) -> Result<BrowserListener, BrowserListenError> {
        let Resources { threads, browsers, registry, .. } = &*self.shared;
        let edge = browsers.as_ref().ok_or(BrowserLaunchError::Off)?;
        let offer = SessionDescription::parse(offer).map_err(BrowserLaunchError::from)?;
        let (began, thread, route) = (Instant::now(), threads.choose(), RouteName::random());
        let addresses = edge.addresses.get(thread).ok_or(BrowserLaunchError::Off)?;
        let drawn = draw();
        let policy = WebRtcPolicy { direction: Direction::SendOnly, channels: None, ..self.browser_policy(edge, addresses, &drawn, route) };
        let agreement = answer(&offer, &policy).map_err(BrowserLaunchError::from)?;
        let ice = browser_ice(&offer, route, &policy, &agreement);
        let plan = self.browser_plan(
            began,
            policy,
            drawn,
            Hears { keys: KeyRules::default(), enhancement: Enhancement::default(), format: whep::FORMAT },
        );
        let answer = Bytes::from(agreement.negotiated.local.to_string());
        let leg = Box::new(browser_leg(began, edge, plan, &ice, agreement)?);
        let listening = registry.listen(org, call, whep::HEARS)?;
        let (signals_in, signals) = mpsc::channel(SIGNAL_QUEUE);
        let task = move |thread: ThreadContext| -> Pin<Box<dyn Future<Output = ()>>> {
            let phase = thread.wheel.phase(began);
            Box::pin(whep::drive(leg, whep::Wiring { route, listening, signals }, thread, phase))
        };
        threads.spawn_on(thread, Box::new(task)).map_err(|_| BrowserLaunchError::from(LaunchError::Saturated))?;
        Ok(BrowserListener { answer, signals: signals_in, ice })
    }

    /// What is said of calls of web pages; none where pages may not call.
    #[must_use]
    pub fn browsers(&self) -> Option<&BrowserEdge> {
        self.shared.browsers.as_ref()
    }

    fn browser_policy(&self, edge: &BrowserEdge, addresses: &[LocalAddress], drawn: &Drawn, route: RouteName) -> WebRtcPolicy {
        let usual = CodecPolicy::new(edge.config.codecs.codecs()).leaving_out_silence(self.shared.rtp.silence_suppression);
        WebRtcPolicy {
            codecs: CodecPolicy { order: CodecOrder::Own, ..usual },
            direction: Direction::SendRecv,
            session_id: drawn.number >> 1,
            credentials: credentials(route),
            fingerprint: edge.identity.fingerprint().clone(),
            addresses: addresses.to_vec(),
            channels: edge.config.data_channel.then_some(WebRtc::MAX_MESSAGE_LEN),
        }
    }

    fn browser_plan(&self, now: Instant, policy: WebRtcPolicy, drawn: Drawn, hears: Hears) -> LegPlan {
        let Drawn { seed, number, cname } = drawn;
        let local = policy.addresses.first().map_or(SocketAddr::from(([0, 0, 0, 0], 0)), |local| local.address);
        LegPlan {
            codecs: policy.codecs,
            transport: TransportPolicy::new(local, policy.session_id, RemoteRule::Signalling(local.ip())),
            source: SourceRule::Exact,
            local_rtp: local,
            local_rtcp: local,
            seed,
            reporter: ReporterConfig::new(seed.ssrc, cname, Codec::Pcmu, ntp_base(now), number),
            gap_wait_max: Duration::from_millis(u64::from(self.shared.calls.gap_wait_max_ms)),
            keys: hears.keys,
            enhancement: hears.enhancement,
            agent_format: hears.format,
        }
    }
}

fn browser_ice(offer: &SessionDescription, route: RouteName, policy: &WebRtcPolicy, agreement: &WebRtcAgreement) -> BrowserIce {
    BrowserIce {
        route,
        local: policy.credentials.clone(),
        remote: agreement.remote.clone(),
        candidates: policy.candidates().collect(),
        mid: offer.media.iter().find_map(|media| media.mid()).unwrap_or("0").to_owned(),
    }
}

fn browser_leg(
    now: Instant,
    edge: &BrowserEdge,
    plan: LegPlan,
    ice: &BrowserIce,
    agreement: WebRtcAgreement,
) -> Result<PlannedLeg, BrowserLaunchError> {
    let WebRtcAgreement { negotiated, remote, fingerprints, channels } = agreement;
    let setup = WebRtcSetup { local: ice.local.clone(), remote, fingerprints, channels, seed: draw_key_seed() };
    let transport = WebRtc::new(now, &edge.identity, setup)?;
    Ok(PlannedLeg::browser(now, plan, negotiated, transport).map_err(LaunchError::from)?)
}

fn credentials(route: RouteName) -> IceCredentials {
    let mut random = [0; 28];
    getrandom::fill(&mut random).expect("the operating system provides randomness");
    IceCredentials::ours(route.as_str(), random)
}

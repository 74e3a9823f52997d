//! Answering a browser (RFC 8829): one audio line by ICE, DTLS and SRTP, a data channel beside it, all else declined.
//!
//! Everything travels by one bundle (RFC 9143) with RTP and RTCP together (RFC 8834 §4.5). We are the passive side of DTLS
//! and the controlled side of ICE, so that the peer's handshake and checks come to us. What the offer does not have to
//! have is not asked for; what would make the call unsafe or silent is an error that says what is missing.

use std::net::SocketAddr;

use super::choice::{Choice, RemoteEnds, Terms};
use super::local::LocalAudio;
use super::{
    AnswerError, Attribute, Candidate, CodecPolicy, ConnectionAddress, Direction, Fingerprint, MediaDescription, MediaKind, MediaProtocol,
    Negotiated, Origin, RemoteRule, SessionDescription, Setup,
};
use crate::ice::IceCredentials;

/// Our side of a call with a browser.
#[derive(Clone, Debug)]
pub struct WebRtcPolicy {
    /// What we speak.
    pub codecs: CodecPolicy,
    /// What we want to do.
    pub direction: Direction,
    /// The number of our session.
    pub session_id: u64,
    /// What the peer is to call us by.
    pub credentials: IceCredentials,
    /// Our certificate's.
    pub fingerprint: Fingerprint,
    /// Where we are, best first; at least one.
    pub addresses: Vec<LocalAddress>,
    /// Whether the peer may open data channels, and how long a message may be, in octets.
    pub channels: Option<u32>,
}

/// One address at which checks are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAddress {
    /// As the peer shall see it.
    pub address: SocketAddr,
    /// Over TCP (RFC 6544), for peers whose network lets no UDP out.
    pub tcp: bool,
}

/// What was agreed with a browser.
#[derive(Clone, Debug)]
pub struct WebRtcAgreement {
    /// The audio, and our answer.
    pub negotiated: Negotiated,
    /// What we call the peer by.
    pub remote: IceCredentials,
    /// The peer's certificate has one of these.
    pub fingerprints: Vec<Fingerprint>,
    /// Whether data channels were agreed on.
    pub channels: bool,
}

/// Why a browser's offer is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebRtcAnswerError {
    /// The audio is not to our liking.
    #[error(transparent)]
    Audio(#[from] AnswerError),
    /// The audio is not over DTLS-SRTP.
    #[error("the audio is not over UDP/TLS/RTP/SAVPF: nothing goes in plain")]
    Protocol,
    /// RTP and RTCP by two ports.
    #[error("the audio has no a=rtcp-mux")]
    NoMux,
    /// No credentials of ICE, or none of the right length.
    #[error("the audio has no a=ice-ufrag and a=ice-pwd of RFC 8839")]
    NoIce,
    /// Both sides would wait for the other's checks.
    #[error("a=ice-lite: a lite peer cannot call")]
    IceLite,
    /// No fingerprint, or only weak ones.
    #[error("the audio has no a=fingerprint of sha-256, sha-384 or sha-512")]
    NoFingerprint,
    /// The peer wants us to open the DTLS connection.
    #[error("a=setup is neither actpass nor active")]
    Setup,
    /// The credentials are those of before: there is nothing to restart.
    #[error("the same ICE credentials as before")]
    SameIce,
}

/// Answers a browser's offer.
///
/// # Errors
/// What is missing, or cannot be agreed on.
pub fn answer(offer: &SessionDescription, policy: &WebRtcPolicy) -> Result<WebRtcAgreement, WebRtcAnswerError> {
    let mut refusal = WebRtcAnswerError::Audio(AnswerError::NoAudio);
    for (at, media) in offer.media.iter().enumerate().filter(|(_, media)| media.kind == MediaKind::Audio) {
        match Accepted::weigh(offer, media, policy) {
            Ok(accepted) => return Ok(accepted.into_agreement(offer, at, policy)),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// What the first acceptable audio says.
struct Accepted {
    choice: Choice,
    remote: IceCredentials,
    fingerprints: Vec<Fingerprint>,
}

impl Accepted {
    fn weigh(offer: &SessionDescription, media: &MediaDescription, policy: &WebRtcPolicy) -> Result<Self, WebRtcAnswerError> {
        // Of a bundle's lines all but the first may have no port of their own (RFC 9143 §6).
        if media.port == 0 && !media.has_flag("bundle-only") {
            return Err(AnswerError::Declined.into());
        }
        if !matches!(media.protocol, MediaProtocol::UdpTlsRtpSavpf | MediaProtocol::UdpTlsRtpSavp) {
            return Err(WebRtcAnswerError::Protocol);
        }
        if !media.rtcp_mux() {
            return Err(WebRtcAnswerError::NoMux);
        }
        if offer.attributes.contains(&Attribute::IceLite) {
            return Err(WebRtcAnswerError::IceLite);
        }
        let remote = credentials(&media.attributes).or_else(|| credentials(&offer.attributes)).ok_or(WebRtcAnswerError::NoIce)?;
        let mut fingerprints = strong_fingerprints(&media.attributes);
        if fingerprints.is_empty() {
            fingerprints = strong_fingerprints(&offer.attributes);
        }
        if fingerprints.is_empty() {
            return Err(WebRtcAnswerError::NoFingerprint);
        }
        let setup = |attributes: &[Attribute]| {
            attributes.iter().find_map(|attribute| if let Attribute::Setup(setup) = attribute { Some(*setup) } else { None })
        };
        // Where nothing is said the offerer opens (RFC 4145 §4).
        let setup = setup(&media.attributes).or_else(|| setup(&offer.attributes)).unwrap_or(Setup::Active);
        if !matches!(setup, Setup::ActPass | Setup::Active) {
            return Err(WebRtcAnswerError::Setup);
        }
        let rule = RemoteRule::Signalling(policy.main_address().ip());
        let terms = Terms { codecs: &policy.codecs, rule: &rule, direction: policy.direction, offered: None };
        let choice = Choice::at(offer, media, &terms, RemoteEnds::by_ice())?;
        Ok(Self { choice, remote, fingerprints })
    }

    fn into_agreement(self, offer: &SessionDescription, at: usize, policy: &WebRtcPolicy) -> WebRtcAgreement {
        let Self { choice, remote, fingerprints } = self;
        let bundle = bundle(offer);
        let audio = offer.media.get(at);
        let bundled = |media: &MediaDescription| media.mid().is_some_and(|mid| bundle.contains(&mid));
        // Beside the audio: the first data channels of the same bundle.
        let channels = offer
            .media
            .iter()
            .position(|media| policy.channels.is_some() && audio.is_some_and(&bundled) && bundled(media) && media.is_data_channel());
        let answered = |(index, media): (usize, &MediaDescription)| {
            if index == at {
                policy.audio(media, &choice)
            } else if Some(index) == channels {
                policy.data_channel(media)
            } else {
                let mut declined = media.declined();
                declined.attributes.extend(media.mid().map(mid_line));
                declined
            }
        };
        let lines: Vec<_> = offer.media.iter().enumerate().map(answered).collect();
        let mids: Vec<_> =
            lines.iter().filter(|line| line.port != 0).filter_map(MediaDescription::mid).filter(|mid| bundle.contains(mid)).collect();
        let group =
            (!mids.is_empty()).then(|| Attribute::Other { name: "group".to_owned(), value: Some(format!("BUNDLE {}", mids.join(" "))) });
        let main = policy.main_address();
        let local = SessionDescription {
            origin: Origin { session_id: policy.session_id, session_version: 1, address: Some(main.ip()) },
            connection: Some(ConnectionAddress::Ip(main.ip())),
            attributes: group.into_iter().collect(),
            media: lines,
        };
        let ptime = choice.ptime;
        WebRtcAgreement { negotiated: choice.into_negotiated(local, ptime, None), remote, fingerprints, channels: channels.is_some() }
    }
}

impl WebRtcPolicy {
    fn main_address(&self) -> SocketAddr {
        let udp = self.addresses.iter().find(|local| !local.tcp);
        udp.or(self.addresses.first()).map_or(SocketAddr::from(([0, 0, 0, 0], 9)), |local| local.address)
    }

    fn audio(&self, offered: &MediaDescription, choice: &Choice) -> MediaDescription {
        let audio = LocalAudio {
            protocol: offered.protocol.clone(),
            codecs: vec![(choice.codec, choice.receive.audio)],
            telephone_events: choice.telephone_event_clock.zip(choice.receive.telephone_event).into_iter().collect(),
            comfort_noise: choice.receive.comfort_noise,
            ptime: choice.ptime,
            direction: choice.direction,
            rtcp_mux: true,
            rtcp_rsize: choice.rtcp_rsize,
            rtcp_xr: choice.rtcp_xr.is_some(),
            crypto: Vec::new(),
        };
        let mut line = audio.into_media(&self.codecs, self.main_address().port());
        // Without a name of a stream and its track, browsers make a track that belongs to nothing (RFC 8830).
        line.attributes.push(Attribute::Other { name: "msid".to_owned(), value: Some("auricle agent".to_owned()) });
        self.add_transport(&mut line, offered);
        line
    }

    fn data_channel(&self, offered: &MediaDescription) -> MediaDescription {
        let mut line = MediaDescription { port: self.main_address().port(), attributes: Vec::new(), ..offered.clone() };
        line.connection = None;
        let say = |name: &str, value: String| Attribute::Other { name: name.to_owned(), value: Some(value) };
        line.attributes.push(say("sctp-port", SCTP_PORT.to_owned()));
        line.attributes.extend(self.channels.map(|length| say("max-message-size", length.to_string())));
        self.add_transport(&mut line, offered);
        line
    }

    fn add_transport(&self, line: &mut MediaDescription, offered: &MediaDescription) {
        let IceCredentials { ufrag, password } = &self.credentials;
        line.attributes.extend(offered.mid().map(mid_line));
        line.attributes.extend([
            Attribute::IceUfrag(ufrag.clone()),
            Attribute::IcePwd(password.clone()),
            Attribute::IceOptions("ice2 trickle".to_owned()),
            Attribute::Fingerprint(self.fingerprint.clone()),
            Attribute::Setup(Setup::Passive),
        ]);
        line.attributes.extend(self.candidates().map(Attribute::Candidate));
        line.attributes.push(Attribute::EndOfCandidates);
    }

    /// Where we are, as ICE writes it.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> + '_ {
        (0_u32..).zip(&self.addresses).map(|(at, local)| {
            let LocalAddress { address, tcp } = *local;
            let preference = 65_535_u32.saturating_sub(at);
            // A passive TCP candidate comes behind every UDP one (RFC 6544 §4.2).
            let local_preference = if tcp { 4 << 13 | (preference & 0x1fff) } else { preference };
            let type_preference = if tcp { TCP_PREFERENCE } else { HOST_PREFERENCE };
            Candidate {
                foundation: (at + 1).to_string(),
                component: 1,
                transport: if tcp { "tcp" } else { "udp" }.to_owned(),
                priority: type_preference << 24 | local_preference << 8 | 255,
                address: address.ip().to_string(),
                port: address.port(),
                kind: "host".to_owned(),
                extensions: if tcp { "tcptype passive" } else { "" }.to_owned(),
            }
        })
    }
}

impl MediaDescription {
    /// Its name within the description (RFC 5888 §4).
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Other { name, value: Some(value) } if name == "mid" => Some(value.trim()).filter(|mid| is_token(mid)),
            _ => None,
        })
    }

    fn has_flag(&self, flag: &str) -> bool {
        self.attributes.iter().any(|attribute| matches!(attribute, Attribute::Other { name, value: None } if name == flag))
    }

    /// Data channels as RFC 8841 has them, over UDP as over TCP.
    fn is_data_channel(&self) -> bool {
        let over_dtls = matches!(self.protocol.as_str(), "UDP/DTLS/SCTP" | "TCP/DTLS/SCTP" | "DTLS/SCTP");
        self.kind.as_str() == "application" && over_dtls && self.formats.iter().any(|format| format == "webrtc-datachannel")
    }
}

/// The credentials among attributes, if both are there and of the right form (RFC 8839 §5.4).
#[must_use]
pub fn credentials(attributes: &[Attribute]) -> Option<IceCredentials> {
    let ufrag = attributes.iter().find_map(|attribute| if let Attribute::IceUfrag(ufrag) = attribute { Some(ufrag) } else { None })?;
    let password =
        attributes.iter().find_map(|attribute| if let Attribute::IcePwd(password) = attribute { Some(password) } else { None })?;
    // Browsers write `-` and `_`, too, which the grammar does not have.
    let fine =
        |text: &str, least: usize| (least..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    (fine(ufrag, 4) && fine(password.expose(), 22)).then(|| IceCredentials { ufrag: ufrag.clone(), password: password.clone() })
}

fn strong_fingerprints(attributes: &[Attribute]) -> Vec<Fingerprint> {
    let all = attributes
        .iter()
        .filter_map(|attribute| if let Attribute::Fingerprint(fingerprint) = attribute { Some(fingerprint) } else { None });
    all.filter(|fingerprint| fingerprint.is_strong()).take(MAX_FINGERPRINTS).cloned().collect()
}

/// The names in the offer's bundle.
fn bundle(offer: &SessionDescription) -> Vec<&str> {
    let groups = offer.attributes.iter().filter_map(|attribute| match attribute {
        Attribute::Other { name, value: Some(value) } if name == "group" => value.trim().strip_prefix("BUNDLE "),
        _ => None,
    });
    groups.flat_map(str::split_ascii_whitespace).filter(|mid| is_token(mid)).collect()
}

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte))
}

fn mid_line(mid: &str) -> Attribute {
    Attribute::Other { name: "mid".to_owned(), value: Some(mid.to_owned()) }
}

/// RFC 8445 §5.1.2.2.
const HOST_PREFERENCE: u32 = 126;
/// RFC 6544 §4.2: less than any kind over UDP.
const TCP_PREFERENCE: u32 = 90;
/// What every browser uses (RFC 8841 §5).
const SCTP_PORT: &str = "5000";
/// A description with more is no browser's.
const MAX_FINGERPRINTS: usize = 4;

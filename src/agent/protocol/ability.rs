//! What each protocol can do, in one table: formats of audio, who may decide turns, what it tells by itself.

use std::time::Duration;

use crate::agent::config::{AgentConfig, Eagerness, Protocol, TurnDetection, WireFormat};
use crate::domain::setting::SettingFault;

/// What a protocol can do.
struct Ability {
    formats: &'static [WireFormat],
    /// Its own turn detection takes settings: thresholds and lengths of silence.
    tuned_by_sound: bool,
    /// It can find turns by the words.
    by_words: bool,
    /// It can be told of turns that the gateway decides.
    by_gateway: bool,
    /// It can be told to leave interruptions to the gateway.
    spares_interruptions: bool,
    /// The model has to be named in the settings.
    needs_model: bool,
    /// A greeting is what it says; to others it is what they are told to say.
    greets_word_for_word: bool,
    /// It can be told something in words while it talks, and asked to speak.
    takes_texts: bool,
    /// It says of each utterance when all of it was sent.
    tells_ends: bool,
    /// How long a connection lasts at most, where that is not told.
    lifetime: Option<Duration>,
    /// Who is at the other end.
    agent: Kind,
}

/// Who is at the other end, and with that what may be set here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A service that is told what to be.
    Service,
    /// A bot that is what it is, called as carriers call: it is told of the call.
    Bot,
    /// A bot that is what it is, and is told nothing of the call.
    PlainBot,
}

impl Ability {
    /// Nothing but what every protocol can do.
    const NONE: Self = Self {
        formats: &[],
        tuned_by_sound: false,
        by_words: false,
        by_gateway: false,
        spares_interruptions: false,
        needs_model: false,
        greets_word_for_word: false,
        takes_texts: true,
        tells_ends: false,
        lifetime: None,
        agent: Kind::Service,
    };

    /// A bot behind a carrier's protocol: it decides its turns, and has its settings itself.
    const fn carrier(formats: &'static [WireFormat]) -> Self {
        Self { formats, takes_texts: false, agent: Kind::Bot, ..Self::NONE }
    }
}

impl Protocol {
    /// The formats that it has, the first of which suits it best.
    #[must_use]
    pub const fn formats(self) -> &'static [WireFormat] {
        self.ability().formats
    }

    const fn ability(self) -> Ability {
        use WireFormat::{Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcma, Pcmu};
        let none = Ability::NONE;
        match self {
            Self::OpenAi => Ability {
                formats: &[Pcm24k, Pcmu, Pcma],
                tuned_by_sound: true,
                by_words: true,
                by_gateway: true,
                lifetime: Some(Duration::from_secs(3_600)),
                spares_interruptions: true,
                tells_ends: true,
                ..none
            },
            Self::Azure => Self::OpenAi.ability(),
            Self::VoiceLive => Ability { formats: &[Pcm8k, Pcm16k, Pcm24k, Pcmu, Pcma], ..Self::OpenAi.ability() },
            // It hears and speaks at once: there are no turns to decide.
            Self::GptLive => Ability { formats: &[Pcm16k, Pcm24k, Pcmu, Pcma], needs_model: true, ..none },
            Self::Deepgram => Ability {
                formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcmu, Pcma],
                needs_model: true,
                greets_word_for_word: true,
                tells_ends: true,
                ..none
            },
            Self::ElevenLabs => Ability { formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcmu], greets_word_for_word: true, ..none },
            // It takes any rate and speaks one.
            Self::Gemini => {
                Ability { formats: &[Pcm24k], tuned_by_sound: true, by_gateway: true, needs_model: true, tells_ends: true, ..none }
            }
            Self::Ultravox => Ability {
                formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k],
                greets_word_for_word: true,
                tells_ends: true,
                lifetime: Some(Duration::from_secs(3_600)),
                ..none
            },
            Self::Auricle => Ability { formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k, Pcmu, Pcma], by_gateway: true, tells_ends: true, ..none },
            Self::Twilio => Ability::carrier(&[Pcmu]),
            Self::Telnyx => Ability::carrier(&[Pcmu, Pcma, Pcm8k, Pcm16k, Pcm24k, Pcm48k]),
            Self::Plivo => Ability::carrier(&[Pcmu, Pcm8k, Pcm16k]),
            Self::Exotel | Self::Vonage => Ability::carrier(&[Pcm8k, Pcm16k, Pcm24k]),
            Self::Jambonz => Ability::carrier(&[Pcm8k, Pcm16k, Pcm24k, Pcm48k]),
            // What is heard and spoken is agreed on between the caller and the room.
            Self::Daily => Ability::carrier(&[Pcmu, Pcma, Pcm8k, Pcm16k, Pcm24k, Pcm48k]),
            Self::Pipecat => Ability { formats: &[Pcm8k, Pcm16k, Pcm24k, Pcm48k], agent: Kind::PlainBot, ..none },
        }
    }

    /// Whether a greeting is what it says, and not what it is told to say.
    #[must_use]
    pub const fn greets_word_for_word(self) -> bool {
        self.ability().greets_word_for_word
    }

    /// Whether it can be told something in words while it talks, and asked to speak.
    #[must_use]
    pub const fn takes_texts(self) -> bool {
        self.ability().takes_texts
    }

    /// Whether it says of each utterance when all of it was sent; of others a pause in their audio is taken for that.
    #[must_use]
    pub const fn tells_ends(self) -> bool {
        self.ability().tells_ends
    }

    /// How long it has to become ready where that is not the call's to say: one that calls back is started first, cold as a rule.
    #[must_use]
    pub const fn calls_back_within(self) -> Option<Duration> {
        match self {
            Self::Daily => Some(Duration::from_secs(25)),
            _ => None,
        }
    }

    /// How long a connection lasts at most, where the protocol does not tell.
    pub(in crate::agent) const fn lifetime(self) -> Option<Duration> {
        self.ability().lifetime
    }
}

/// What an agent is asked for that its protocol cannot do.
pub(in crate::agent) fn faults(config: &AgentConfig) -> Vec<SettingFault> {
    let ability = config.protocol.ability();
    let mut faults = Vec::new();
    if !ability.formats.contains(&config.format) {
        let names: Vec<_> = ability.formats.iter().map(|format| format.name()).collect();
        faults.push(SettingFault::new("format", config.format.name(), names.join(", "), "take one that the protocol has"));
    }
    let possible = match config.turn_detection {
        TurnDetection::ServerVad { .. } => ability.tuned_by_sound || config.turn_detection == TurnDetection::default(),
        TurnDetection::SemanticVad { .. } => ability.by_words,
        TurnDetection::Gateway { .. } => ability.by_gateway,
        TurnDetection::Both { .. } => ability.spares_interruptions,
    };
    let eager = matches!(config.turn_detection, TurnDetection::SemanticVad { eagerness } if eagerness != Eagerness::Auto);
    if eager && config.protocol == Protocol::VoiceLive {
        faults.push(SettingFault::new("turn_detection.eagerness", "set", "\"auto\"", "leave it out: Azure's turns by the words have none"));
    }
    if !possible {
        let known = "what this protocol can be told";
        faults.push(SettingFault::new("turn_detection", "set", known, "leave it out: the agent decides turns by settings of its own"));
    }
    // A bot that is started is told of its call by that; one that is dialled straight has no word for it.
    let started = config.protocol == Protocol::Pipecat && config.url.starts_with("http");
    faults.extend(misplaced(config, if started { Kind::Bot } else { ability.agent }));
    if config.protocol == Protocol::Daily {
        faults.extend(unreachable_rooms(config));
    }
    if ability.needs_model && config.model.is_none() {
        faults.push(SettingFault::new("model", "(none)", "the name of a model", "name the model that is to answer"));
    }
    faults
}

/// What keeps a bot in a room from saying where its caller is to be sent, or us from believing it.
fn unreachable_rooms(config: &AgentConfig) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    if config.api_key_env.is_none() {
        faults.push(SettingFault::new(
            "api_key_env",
            "(none)",
            "the key that starts bots",
            "name it: what a bot proves itself by follows from it",
        ));
    }
    if !config.parameters.get(BACK).is_some_and(|url| url.starts_with("https://") || url.starts_with("http://")) {
        let mend = "write where the bot finds this gateway, as https://gateway.example/daily/v1";
        faults.push(SettingFault::new("parameters.daily_api_url", "(none)", "https://host[:port]/daily/v1", mend));
    }
    if config.transfer_targets.is_empty() {
        let mend = "list the SIP domain of its rooms, as sip:practice.sip-us.daily.co";
        faults.push(SettingFault::new("transfer_targets", "(none)", "where its rooms are", mend));
    }
    if config.standby {
        faults.push(SettingFault::new("standby", "true", "false", "leave it out: a bot that was started waits for nobody"));
    }
    faults
}

/// What is set for an agent that cannot be told of it.
fn misplaced(config: &AgentConfig, agent: Kind) -> Vec<SettingFault> {
    let of_service = [
        ("model", config.model.is_some()),
        ("voice", config.voice.is_some()),
        ("instructions", config.instructions.is_some()),
        ("language", config.language.is_some()),
        ("transcription_model", config.transcription_model.is_some()),
        ("greet_first", config.greet_first),
    ];
    let of_call =
        [("parameters", !config.parameters.is_empty()), ("tell_numbers", config.tell_numbers), ("account", config.account.is_some())];
    let for_service = of_service.into_iter().filter(|_| agent != Kind::Service);
    let for_bot = of_call.into_iter().filter(|_| agent != Kind::Bot);
    let fault = |(key, _)| SettingFault::new(key, "set", "what this protocol can say", "leave it out: the agent cannot be told of it");
    for_service.chain(for_bot).filter(|(_, set)| *set).map(fault).collect()
}

/// By which parameter a bot in a room finds us.
const BACK: &str = "daily_api_url";

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(config: &AgentConfig) -> Vec<String> {
        faults(config).into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn what_a_protocol_cannot_do_is_told_before_a_call() {
        let at = |protocol, format, model: Option<&str>, turn_detection| AgentConfig {
            protocol,
            format,
            model: model.map(str::to_owned),
            turn_detection,
            ..AgentConfig::at("wss://a.example/")
        };
        let own = TurnDetection::default();
        let gateway = TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 };
        assert!(keys(&at(Protocol::OpenAi, WireFormat::Pcmu, None, gateway)).is_empty());
        assert_eq!(keys(&at(Protocol::OpenAi, WireFormat::Pcm16k, None, own)), ["format"]);
        assert_eq!(keys(&at(Protocol::Gemini, WireFormat::Pcmu, None, own)), ["format", "model"]);
        assert_eq!(keys(&at(Protocol::ElevenLabs, WireFormat::Pcma, None, gateway)), ["format", "turn_detection"]);
        assert_eq!(keys(&at(Protocol::Deepgram, WireFormat::Pcmu, Some("open_ai/gpt-4o-mini"), gateway)), ["turn_detection"]);
        assert!(keys(&at(Protocol::Auricle, WireFormat::Pcm48k, None, gateway)).is_empty());
        assert_eq!(keys(&at(Protocol::Twilio, WireFormat::Pcma, Some("gpt"), gateway)), ["format", "turn_detection", "model"]);
        let by_words = |eagerness| TurnDetection::SemanticVad { eagerness };
        assert!(keys(&at(Protocol::VoiceLive, WireFormat::Pcm8k, None, by_words(Eagerness::Auto))).is_empty());
        assert_eq!(keys(&at(Protocol::VoiceLive, WireFormat::Pcm8k, None, by_words(Eagerness::Low))), ["turn_detection.eagerness"]);
        assert_eq!(keys(&at(Protocol::GptLive, WireFormat::Pcmu, None, gateway)), ["turn_detection", "model"]);
        assert!(keys(&at(Protocol::Vonage, WireFormat::Pcm16k, None, own)).is_empty());
    }

    #[test]
    fn a_service_is_not_told_of_a_call_and_a_bot_not_what_to_be() {
        let told = |protocol, format| AgentConfig {
            protocol,
            format,
            voice: Some("marin".into()),
            greet_first: true,
            tell_numbers: true,
            parameters: [("practice".to_owned(), "north".to_owned())].into(),
            ..AgentConfig::at("wss://a.example/")
        };
        assert_eq!(keys(&told(Protocol::OpenAi, WireFormat::Pcmu)), ["parameters", "tell_numbers"]);
        assert_eq!(keys(&told(Protocol::Twilio, WireFormat::Pcmu)), ["voice", "greet_first"]);
        assert_eq!(keys(&told(Protocol::Pipecat, WireFormat::Pcm16k)), ["voice", "greet_first", "parameters", "tell_numbers"]);
        let started = AgentConfig { url: "https://a.example/v1/public/bot/start".into(), ..told(Protocol::Pipecat, WireFormat::Pcm16k) };
        assert_eq!(keys(&started), ["voice", "greet_first"]);
        let room = AgentConfig { url: "https://a.example/v1/public/bot/start".into(), ..told(Protocol::Daily, WireFormat::Pcmu) };
        assert_eq!(keys(&room), ["voice", "greet_first", "api_key_env", "parameters.daily_api_url", "transfer_targets"]);
        let room = AgentConfig {
            protocol: Protocol::Daily,
            format: WireFormat::Pcmu,
            parameters: [("daily_api_url".to_owned(), "https://gateway.example/daily/v1".to_owned())].into(),
            api_key_env: Some("PIPECAT_PUBLIC_KEY".into()),
            transfer_targets: vec!["sip:practice.sip-us.daily.co".into()],
            ..AgentConfig::at("https://a.example/v1/public/bot/start")
        };
        assert_eq!(room.faults(), []);
        assert_eq!(AgentConfig { url: "wss://a.example/".into(), ..room }.faults()[0].key, "url");
        assert_eq!(keys(&told(Protocol::Ultravox, WireFormat::Pcm16k)), ["parameters", "tell_numbers"]);
    }
}

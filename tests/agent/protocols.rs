//! Every protocol against the simulator of it, which takes no message that the real service would not.

use std::net::SocketAddr;
use std::time::Duration;

use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use auricle::agent::model::AgentCommand;
use auricle::agent::simulator::{self, Behaviour, Config, Faults, Observations, Transcript};
use media::frame::AudioFormat;

use crate::link::{Link, simulate};
use crate::speech;

/// Each protocol in a format that it has, and whether it tells words.
const SPOKEN: [(Protocol, WireFormat, bool); 19] = [
    (Protocol::OpenAi, WireFormat::Pcmu, true),
    (Protocol::Azure, WireFormat::Pcm24k, true),
    (Protocol::VoiceLive, WireFormat::Pcm8k, true),
    (Protocol::VoiceLive, WireFormat::Pcmu, true),
    (Protocol::GptLive, WireFormat::Pcma, true),
    (Protocol::Deepgram, WireFormat::Pcmu, true),
    (Protocol::ElevenLabs, WireFormat::Pcm16k, true),
    (Protocol::Gemini, WireFormat::Pcm24k, true),
    (Protocol::Ultravox, WireFormat::Pcm8k, true),
    (Protocol::Ultravox, WireFormat::Pcm48k, true),
    (Protocol::Auricle, WireFormat::Pcm48k, true),
    (Protocol::Twilio, WireFormat::Pcmu, false),
    (Protocol::Telnyx, WireFormat::Pcma, false),
    (Protocol::Telnyx, WireFormat::Pcm16k, false),
    (Protocol::Plivo, WireFormat::Pcmu, false),
    (Protocol::Exotel, WireFormat::Pcm8k, false),
    (Protocol::Vonage, WireFormat::Pcm16k, false),
    (Protocol::Jambonz, WireFormat::Pcm8k, false),
    (Protocol::Pipecat, WireFormat::Pcm16k, true),
];

/// An agent of a protocol, and how the gateway is told of it.
async fn meet(protocol: Protocol, format: WireFormat, config: Config) -> (AgentConfig, Observations) {
    let (address, seen) = simulate(Config { protocol, format: format.into(), ..config }).await;
    let service = matches!(protocol, Protocol::OpenAi | Protocol::Azure | Protocol::VoiceLive);
    let named = matches!(protocol, Protocol::Deepgram | Protocol::Gemini | Protocol::GptLive);
    let agent = AgentConfig {
        protocol,
        format,
        model: named.then(|| "models/any".to_owned()),
        transcription_model: service.then(|| "any".to_owned()),
        ..AgentConfig::at(url(protocol, address))
    };
    assert_eq!(agent.faults(), [], "{protocol:?}");
    (agent, seen)
}

/// Of one that is asked for over HTTP, where that is done.
fn url(protocol: Protocol, address: SocketAddr) -> String {
    match protocol {
        Protocol::Ultravox => format!("http://{address}/api/calls"),
        _ => format!("ws://{address}/"),
    }
}

fn errors(seen: &Observations) -> Vec<String> {
    seen.sessions().pop().unwrap().errors
}

#[tokio::test]
async fn every_byte_comes_back_in_every_protocol() {
    for (protocol, format, _) in SPOKEN {
        let (agent, seen) = meet(protocol, format, Config { keep_audio: true, ..Config::new(Behaviour::Echo) }).await;
        let mut link = Link::ready(&agent).await;
        let format = AudioFormat::from(format);
        // A second, in the packets of a telephone.
        let said: Vec<u8> = (0..format.rate().hz() as usize * format.sample_len_bytes()).map(|n| (n * 7 % 251) as u8).collect();
        for packet in said.chunks(format.rate().hz() as usize / 50 * format.sample_len_bytes()) {
            link.push(format, packet);
        }
        link.until("the echo", |link| link.heard.audio.len() >= said.len()).await;
        assert!(link.heard.audio == said, "{protocol:?}");
        let session = seen.sessions().pop().unwrap();
        assert_eq!((session.audio == said, session.errors), (true, vec![]), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_parrot_is_interrupted_in_every_protocol() {
    for (protocol, format, tells_words) in SPOKEN {
        let transcript = Transcript { caller: "caller words".into(), agent: "agent words".into() };
        let (agent, seen) = meet(protocol, format, Config { transcript, ..Config::new(Behaviour::Parrot) }).await;
        let mut link = Link::ready(&agent).await;
        let format = AudioFormat::from(format);
        speech::say(&mut link, format, Duration::from_millis(1_500));
        link.until("the parrot's first audio", |link| !link.heard.items.is_empty()).await;
        // GPT-Live stops by itself, and nothing says so.
        let clears = usize::from(protocol != Protocol::GptLive);
        let before = link.heard.clears.len();
        speech::say(&mut link, format, Duration::from_millis(600));
        link.until("the interruption", |link| link.heard.clears.len() >= before + clears).await;
        link.until("the next answer", |link| protocol == Protocol::GptLive || link.heard.items.len() >= 2).await;
        return_marks(&mut link).await;
        if tells_words {
            link.until("words of both", |link| {
                ["caller words", "agent words"].iter().all(|words| link.heard.words.iter().any(|heard| heard == words))
            })
            .await;
        }
        assert_eq!(errors(&seen), [""; 0], "{protocol:?}");
        assert_eq!(link.heard.errors, [""; 0], "{protocol:?}");
    }
}

/// Says that all marks were reached, in their order.
async fn return_marks(link: &mut Link) {
    tokio::time::sleep(Duration::from_millis(20)).await;
    for mark in std::mem::take(&mut link.heard.marks) {
        link.command(AgentCommand::MarkReached { mark, cleared: false });
    }
}

#[tokio::test]
async fn an_agent_that_speaks_first_is_heard_in_every_protocol() {
    for (protocol, format, _) in SPOKEN {
        let (agent, seen) = meet(protocol, format, Config::new(Behaviour::Greeter)).await;
        let mut link = Link::ready(&agent).await;
        let greeting = simulator::greeting(format.into());
        link.until("the greeting", |link| link.heard.audio.len() >= greeting.len()).await;
        assert!(link.heard.audio == greeting, "{protocol:?}");
        assert_eq!(errors(&seen), [""; 0], "{protocol:?}");
    }
}

#[tokio::test]
async fn keys_and_the_end_are_taken_in_every_protocol() {
    for (protocol, format, _) in SPOKEN {
        let (agent, seen) = meet(protocol, format, Config::new(Behaviour::Echo)).await;
        let mut link = Link::ready(&agent).await;
        let before = seen.sessions()[0].requests.len();
        link.command(AgentCommand::Dtmf { digit: '5', duration: Duration::from_millis(100) });
        // Most say nothing to a key.
        for _ in 0..2_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if seen.sessions()[0].requests.len() > before {
                break;
            }
        }
        assert!(seen.sessions()[0].requests.len() > before, "{protocol:?}: the key came");
        link.command(AgentCommand::Close);
        link.until("the end", |link| link.closed.is_some()).await;
        assert_eq!(errors(&seen), [""; 0], "{protocol:?}: {:?}", seen.sessions()[0].requests);
    }
}

#[tokio::test]
async fn a_drop_and_an_error_are_met_in_every_protocol() {
    for (protocol, format, _) in SPOKEN {
        let faults = Faults { drop_after_ms: Some(500), ..Faults::default() };
        let (agent, _) = meet(protocol, format, Config { faults, ..Config::new(Behaviour::Echo) }).await;
        let mut link = Link::ready(&agent).await;
        link.until("the drop", |link| link.closed.is_some()).await;
        assert_eq!(link.closed.clone().map(|closed| (closed.code, closed.retryable)), Some((None, true)), "{protocol:?}");

        let faults = Faults { error_after_ms: Some(200), error_code: "server_error".into(), ..Faults::default() };
        let (agent, _) = meet(protocol, format, Config { faults, ..Config::new(Behaviour::Echo) }).await;
        let mut link = Link::ready(&agent).await;
        link.until("the error", |link| link.closed.is_some() || !link.heard.errors.is_empty()).await;
    }
}

#[tokio::test]
async fn the_key_opens_the_door_of_every_protocol() {
    // A variable that is set everywhere plays the key: tests cannot set one without unsafe code.
    let key = std::env::var("PATH").unwrap();
    for (protocol, format, _) in SPOKEN {
        let config = || Config { api_key: Some(key.clone().into()), ..Config::new(Behaviour::Echo) };
        let (agent, _) = meet(protocol, format, config()).await;
        assert!(crate::link::open_socket(&agent).await.is_err(), "{protocol:?}");
        let (agent, _) = meet(protocol, format, config()).await;
        Link::ready(&AgentConfig { api_key_env: Some("PATH".into()), ..agent }).await;
    }
}

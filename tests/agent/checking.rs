//! The conformance checks against good agents and bad ones.

use auricle::agent::check::{Report, Speech, check};
use auricle::agent::config::{AgentConfig, Protocol, WireFormat};
use auricle::agent::simulator::{Behaviour, Config, Faults, Step};

use crate::link::simulate;

async fn report(protocol: Protocol, format: WireFormat, config: Config) -> Report {
    let (address, _) = simulate(Config { protocol, format: format.into(), ..config }).await;
    let url = if protocol == Protocol::Ultravox { format!("http://{address}/api/calls") } else { format!("ws://{address}/") };
    let agent = AgentConfig { protocol, format, ..AgentConfig::at(url) };
    check(&agent, &Speech::made_up()).await.unwrap()
}

#[tokio::test]
async fn good_agents_pass_every_check() {
    let one = |protocol, format| report(protocol, format, Config::new(Behaviour::Parrot));
    let (auricle, twilio, openai, pipecat, ultravox) = tokio::join!(
        one(Protocol::Auricle, WireFormat::Pcm16k),
        one(Protocol::Twilio, WireFormat::Pcmu),
        one(Protocol::OpenAi, WireFormat::Pcmu),
        one(Protocol::Pipecat, WireFormat::Pcm16k),
        // Asked for over HTTP first.
        one(Protocol::Ultravox, WireFormat::Pcm8k),
    );
    for report in [auricle, twilio, openai, pipecat, ultravox] {
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.findings.len(), 12, "{report}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_agent_is_named() {
    let script = |steps: Vec<Step>| Config::new(Behaviour::Script(steps));
    let send = |text: &str| Step::Send { text: text.into() };
    let (deaf, foreign, broken, silent, ending) = tokio::join!(
        // It speaks on while it is spoken over.
        report(Protocol::Auricle, WireFormat::Pcm16k, Config::new(Behaviour::Echo)),
        report(Protocol::Twilio, WireFormat::Pcmu, script(vec![send(r#"{"event":"hangup"}"#), Step::SayTone { hz: 440.0, ms: 9_000 }])),
        report(Protocol::OpenAi, WireFormat::Pcmu, script(vec![send("{"), Step::ExpectSpeech, Step::SayTone { hz: 440.0, ms: 9_000 }])),
        report(Protocol::Auricle, WireFormat::Pcmu, script(vec![])),
        report(
            Protocol::Auricle,
            WireFormat::Pcmu,
            Config { faults: Faults { drop_after_ms: Some(500), ..Faults::default() }, ..Config::new(Behaviour::Parrot) },
        ),
    );
    assert_eq!(deaf.failed(), ["stops"], "{deaf}");
    assert!(foreign.failed().contains(&"messages_known"), "{foreign}");
    assert!(broken.failed().contains(&"messages_whole"), "{broken}");
    assert_eq!(silent.failed(), ["answers"], "{silent}");
    assert!(ending.failed().contains(&"answers") && ending.failed().contains(&"takes_keys"), "{ending}");
}

#[tokio::test]
async fn an_agent_that_is_not_there_or_says_nothing_fails_at_the_door() {
    let nobody = AgentConfig { protocol: Protocol::Auricle, ..AgentConfig::at("ws://127.0.0.1:9/") };
    assert_eq!(check(&nobody, &Speech::made_up()).await.unwrap().failed(), ["connects"]);
    // One that speaks another protocol takes no `auricle.v1`.
    let (address, _) = simulate(Config::new(Behaviour::Parrot)).await;
    let other = AgentConfig { protocol: Protocol::Auricle, ..AgentConfig::at(format!("ws://{address}/")) };
    assert_eq!(check(&other, &Speech::made_up()).await.unwrap().failed(), ["connects"]);
}

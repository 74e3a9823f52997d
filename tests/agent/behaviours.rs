//! What the simulator does, seen through the link.

use std::time::Duration;

use auricle::agent::config::WireFormat;
use auricle::agent::model::SpeechEdge;
use auricle::agent::simulator::{self, Behaviour, Config, Faults, Step, Transcript};
use media::frame::{AudioFormat, ItemId};

use crate::link::{Link, agent_at, simulate};
use crate::speech;

fn numbered(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 % 251) as u8).collect()
}

#[tokio::test]
async fn an_echo_returns_every_byte_of_every_format() {
    let (address, seen) = simulate(Config { keep_audio: true, ..Config::new(Behaviour::Echo) }).await;
    for format in [WireFormat::Pcm24k, WireFormat::Pcmu, WireFormat::Pcma] {
        let mut link = Link::open(&agent_at(address, format)).await;
        let audio = numbered(40_000);
        for chunk in audio.chunks(320) {
            link.push(format.into(), chunk);
        }
        link.until("the echo", |link| link.heard.audio.len() >= 40_000).await;
        assert_eq!(link.heard.audio, audio);
        assert_eq!(link.heard.items, [ItemId(1)], "an echo is one endless item");
        let session = seen.sessions().pop().unwrap();
        assert_eq!((session.audio, session.errors), (audio, vec![]));
    }
}

#[tokio::test]
async fn a_parrot_says_what_was_said_once_it_is_over() {
    let transcript = Transcript { caller: "caller words".into(), agent: "agent words".into() };
    let (address, seen) = simulate(Config { transcript, ..Config::new(Behaviour::Parrot) }).await;
    let mut config = agent_at(address, WireFormat::Pcm24k);
    config.transcription_model = Some("any".into());
    let mut link = Link::ready(&config).await;
    speech::say(&mut link, AudioFormat::from(WireFormat::Pcm24k), Duration::from_millis(1_500));
    link.until("the parrot's words", |link| link.heard.words.len() == 2).await;
    assert_eq!(link.heard.speech.iter().map(|(edge, _)| *edge).collect::<Vec<_>>(), [SpeechEdge::Started, SpeechEdge::Stopped]);
    // Padding, speech and the silence that ended it.
    let spoken_ms = link.heard.audio.len() / 48;
    assert!((1_500..2_700).contains(&spoken_ms), "{spoken_ms} ms");
    assert_eq!(link.heard.words, ["caller words", "agent words"]);
    assert_eq!(seen.sessions()[0].errors, [] as [&str; 0]);
}

#[tokio::test]
async fn a_parrot_falls_silent_when_spoken_over_and_takes_the_exact_truncation() {
    let (address, seen) = simulate(Config::new(Behaviour::Parrot)).await;
    let format = AudioFormat::from(WireFormat::Pcmu);
    let mut link = Link::ready(&agent_at(address, WireFormat::Pcmu)).await;
    speech::say(&mut link, format, Duration::from_millis(2_000));
    link.until("the parrot's first audio", |link| !link.heard.items.is_empty()).await;
    speech::say(&mut link, format, Duration::from_millis(500));
    link.until("the interruption", |link| link.heard.clears.len() == 2).await;
    link.cleared(ItemId(1), 437);
    link.until("the truncation and the next answer", |link| {
        link.heard.items.len() == 2 && seen.sessions().iter().all(|session| !session.truncations.is_empty())
    })
    .await;
    let session = seen.sessions().pop().unwrap();
    assert_eq!(session.errors, [] as [&str; 0]);
    assert_eq!(session.truncations.iter().map(|told| (told.item_id.as_str(), told.audio_end_ms)).collect::<Vec<_>>(), [("item_1", 437)]);
}

#[tokio::test]
async fn a_greeter_speaks_first_asked_or_not() {
    let (address, seen) = simulate(Config::new(Behaviour::Greeter)).await;
    for greet_first in [true, false] {
        let mut config = agent_at(address, WireFormat::Pcmu);
        config.greet_first = greet_first;
        let mut link = Link::ready(&config).await;
        link.until("the greeting", |link| link.heard.ended.len() == 1).await;
        assert_eq!(link.heard.audio, simulator::greeting(AudioFormat::Ulaw8k));
        assert_eq!(seen.sessions().pop().unwrap().errors, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_script_is_followed_step_by_step() {
    let steps = vec![
        Step::Wait { ms: 20 },
        Step::SayTone { hz: 440.0, ms: 300 },
        Step::Send { text: r#"{"type":"novelty","x":[1]}"#.into() },
        Step::Error { code: "rate_limit_exceeded".into() },
        Step::ExpectSpeech,
        Step::Close { code: 4000 },
    ];
    let (address, _) = simulate(Config::new(Behaviour::Script(steps))).await;
    let mut link = Link::ready(&agent_at(address, WireFormat::Pcma)).await;
    link.until("the error", |link| !link.heard.errors.is_empty()).await;
    assert_eq!(link.heard.audio, simulator::tone(AudioFormat::Alaw8k, 440.0, Duration::from_millis(300)));
    assert_eq!(link.heard.errors, ["rate_limit_exceeded"]);
    assert_eq!(link.session.stats().adapter.unknown_events, 1);
    speech::say(&mut link, AudioFormat::Alaw8k, Duration::from_millis(1_000));
    link.until("the close", |link| link.closed.is_some()).await;
    let closed = link.closed.unwrap();
    assert_eq!((closed.code, closed.retryable), (Some(4000), false));
}

#[tokio::test]
async fn faults_come_when_they_are_due() {
    let faults = Faults { error_after_ms: Some(200), drop_after_ms: Some(500), error_code: "session_expired".into(), ..Faults::default() };
    let (address, _) = simulate(Config { faults, ..Config::new(Behaviour::Echo) }).await;
    let mut link = Link::ready(&agent_at(address, WireFormat::Pcmu)).await;
    link.until("the drop", |link| link.closed.is_some()).await;
    assert_eq!(link.heard.errors, ["session_expired"]);
    let closed = link.closed.unwrap();
    assert_eq!((closed.code, closed.retryable), (None, true));
}

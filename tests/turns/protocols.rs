//! A whole call through the simulator of every protocol: words come back, are spoken over, and nothing that the gateway says is refused.

use std::future::ready;
use std::iter::repeat_with;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use auricle::agent::config::{Protocol, WireFormat};
use auricle::agent::simulator::{Behaviour, Config};
use serde_json::Value;

use crate::agents::{Agent, route};
use crate::caller::{Caller, Packet, plain};
use crate::server::{Server, Wanted};
use crate::speech::{Room, decode, level, utterance};

/// Protocol, its name and format in a configuration, and what else it wants.
const SPOKEN: [(Protocol, &str, WireFormat, &str); 16] = [
    (Protocol::OpenAi, "openai", WireFormat::Pcmu, ""),
    (Protocol::Azure, "azure", WireFormat::Pcm24k, ""),
    (Protocol::VoiceLive, "voicelive", WireFormat::Pcm16k, ""),
    (Protocol::GptLive, "gptlive", WireFormat::Pcmu, "model = \"gpt-live-1\""),
    (Protocol::Deepgram, "deepgram", WireFormat::Pcmu, "model = \"gpt-4o-mini\""),
    (Protocol::ElevenLabs, "elevenlabs", WireFormat::Pcm16k, ""),
    (Protocol::Gemini, "gemini", WireFormat::Pcm24k, "model = \"models/gemini-live\""),
    (Protocol::Ultravox, "ultravox", WireFormat::Pcm8k, ""),
    (Protocol::Auricle, "auricle", WireFormat::Pcm16k, ""),
    (Protocol::Twilio, "twilio", WireFormat::Pcmu, "tell_numbers = true"),
    (Protocol::Telnyx, "telnyx", WireFormat::Pcma, "tell_numbers = true"),
    (Protocol::Plivo, "plivo", WireFormat::Pcmu, ""),
    (Protocol::Exotel, "exotel", WireFormat::Pcm8k, ""),
    (Protocol::Vonage, "vonage", WireFormat::Pcm16k, "parameters = { practice = \"north\" }"),
    (Protocol::Jambonz, "jambonz", WireFormat::Pcm8k, ""),
    (Protocol::Pipecat, "pipecat", WireFormat::Pcm24k, ""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_through_every_protocol() {
    let _alone = crate::ALONE.lock().await;
    let (mut toml, mut agents) = (String::new(), Vec::new());
    for (number, (protocol, name, format, more)) in SPOKEN.into_iter().enumerate() {
        let config = Config { protocol, format: format.into(), ..Config::new(Behaviour::Parrot) };
        let agent = Agent::start(config, ready(())).await;
        let settings = format!("protocol = \"{name}\"\n{more}");
        route(&mut toml, &number.to_string(), agent.address, format.name(), "when_agent_ready", &settings);
        agents.push(agent);
    }
    let server = Server::start(&Wanted { agents: toml, log_level: "info", log_format: "text" });
    let calls: Vec<_> = (0..SPOKEN.len()).map(|number| tokio::spawn(call(server.sip, number))).collect();
    for call in calls {
        call.await.expect("a call goes on to its end");
    }
    server.records(SPOKEN.len());
    for (agent, (_, name, ..)) in agents.iter().zip(SPOKEN) {
        let seen = agent.seen.sessions().pop().expect("a session");
        assert_eq!(seen.errors, [""; 0], "{name} was told {:?}", seen.requests);
        assert!(seen.utterances >= 2, "{name} heard {} utterances", seen.utterances);
    }
    for record in server.records(SPOKEN.len()) {
        let warnings: Vec<&Value> =
            record["timeline"].as_array().expect("a timeline").iter().filter(|entry| entry["event"] == "warning").collect();
        assert!(warnings.is_empty(), "{}: {warnings:?}", record["agent"]);
    }
}

/// Speaks, hears itself, and speaks over that.
async fn call(gateway: SocketAddr, number: usize) {
    let name = SPOKEN[number].1;
    let mut room = Room::new(number as u32);
    // Callers do not all speak in the same instant.
    tokio::time::sleep(Duration::from_millis(130 * number as u64)).await;
    let mut caller = Caller::invite(gateway, &number.to_string(), HERE, plain).await.expect("the call is answered");
    caller.acknowledge().await;
    caller.talk(&utterance(80)).await;
    for _ in 0..150 {
        caller.talk(repeat_with(|| room.frame()).take(2)).await;
        if caller.heard().iter().rev().take(2).all(is_loud) {
            break;
        }
    }
    assert!(caller.heard().iter().any(is_loud), "{name}: the words come back");
    caller.talk(&utterance(60)).await;
    caller.talk(repeat_with(|| room.frame()).take(75)).await;
    caller.hang_up().await;
}

fn is_loud(packet: &Packet) -> bool {
    level(&decode(&packet.payload)) > 500.0
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

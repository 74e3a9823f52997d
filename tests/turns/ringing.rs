//! Ringing that comes from us before the answer (early media), for trunks that ask for it, and for no others.

use std::f64::consts::TAU;
use std::iter::repeat_with;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use auricle::agent::simulator::{Behaviour, Config, greeting};
use media::frame::AudioFormat;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::agents::{Agent, route};
use crate::caller::{Caller, plain};
use crate::server::{Server, Wanted, text};
use crate::speech::{Room, decode};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_a_trunk_that_asks_for_it_hear_ringing_until_the_answer_and_then_the_whole_greeting() {
    let _alone = crate::ALONE.lock().await;
    for (address, rings) in [(TRUNK, true), (Ipv4Addr::LOCALHOST, false)] {
        let (begin, begun) = oneshot::channel::<()>();
        let slow = async move {
            let _begun = begun.await;
            sleep(Duration::from_secs(2)).await;
        };
        let agent = Agent::start(Config::new(Behaviour::Greeter), slow).await;
        let mut toml = String::new();
        route(&mut toml, "1000", agent.address, "pcmu", "when_agent_ready", "");
        toml.push_str(&format!("[trunks.silent]\naddresses = [\"{TRUNK}\"]\nearly_media = true\n"));
        let server = Server::start(&Wanted { agents: toml, log_level: "info", log_format: "text" });
        begin.send(()).expect("the agent waits for its call");
        let mut caller = Caller::invite(server.sip, "1000", IpAddr::V4(address), plain).await.expect("the call is answered");
        caller.acknowledge().await;
        let mut room = Room::new(3);
        let greeted = greeting(AudioFormat::Ulaw8k);
        let sound = |caller: &Caller| caller.heard().iter().flat_map(|packet| packet.payload.iter().copied()).collect::<Vec<u8>>();
        for _ in 0..50 {
            caller.talk(repeat_with(|| room.frame()).take(10)).await;
            if sound(&caller).windows(greeted.len()).any(|window| window == greeted) {
                break;
            }
        }
        caller.hang_up().await;
        let heard = sound(&caller);
        assert!(caller.heard().windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)), "one stream, without a hole");
        // The first 800 ms that were heard: before the answer, or after it.
        let tone = share_of_tone(&decode(&heard[..6_400]));
        assert_eq!(tone > 0.9, rings, "{tone} of what {address} heard first is the ringing tone");
        assert!(heard.windows(greeted.len()).any(|window| window == greeted), "the greeting came byte for byte");
        let record = server.records(1).remove(0);
        let ladder = server.ask("GET", &format!("/v1/calls/{}/ladder?format=text", text(&record, "id")), "").body;
        assert_eq!((ladder.contains("183 Session Progress"), ladder.contains("180 Ringing")), (rings, !rings), "{ladder}");
    }
}

/// How much of the audio is a tone of 425 Hz, by energy.
fn share_of_tone(samples: &[i16]) -> f64 {
    let (mut sine, mut cosine, mut all) = (0.0, 0.0, 1.0);
    for (at, sample) in (0_u32..).zip(samples) {
        let (phase, sample) = (TAU * 425.0 * f64::from(at) / 8_000.0, f64::from(*sample));
        sine += sample * phase.sin();
        cosine += sample * phase.cos();
        all += sample * sample;
    }
    2.0 * (sine * sine + cosine * cosine) / (all * samples.len() as f64)
}

const TRUNK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 8);

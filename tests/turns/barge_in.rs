//! Interruptions of a parrot, two hundred of them or a thousand: what is heard after the stop signal, and what the agent is told was heard.

use std::future::ready;
use std::iter::{once, repeat_with};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use auricle::agent::simulator::{Behaviour, Config, SessionSeen};
use tokio::time::sleep;

use crate::agents::{Agent, route};
use crate::caller::{Caller, FRAME, PTIME, Packet, plain, slots};
use crate::server::{Server, Wanted};
use crate::speech::{Room, decode, utterance};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_is_heard_within_one_packet_and_told_to_the_sample() {
    let _alone = crate::ALONE.lock().await;
    let calls: u32 = if crate::full() { 100 } else { 20 };
    let (mut toml, mut agents) = (String::new(), Vec::new());
    for index in 0..calls {
        let agent = Agent::start(Config::new(Behaviour::Parrot), ready(())).await;
        let format = if index % 2 == 0 { "pcmu" } else { "pcm24k" };
        route(&mut toml, &index.to_string(), agent.address, format, "when_agent_ready", "");
        agents.push(agent);
    }
    let server = Server::start(&Wanted { agents: toml, log_level: "info", log_format: "text" });
    let mut running = Vec::new();
    for index in 0..calls {
        running.push(tokio::spawn(interrupt(server.sip, index)));
        // Callers do not all speak in the same instant.
        sleep(Duration::from_millis(37)).await;
    }
    // Looked at when all are over: it takes the time of those who talk.
    let mut callers = Vec::new();
    for call in running {
        callers.push(call.await.expect("a call goes on to its end"));
    }
    let mut late = Vec::new();
    for ((agent, caller), lead_in) in agents.iter().zip(&callers).zip([0, LEAD_IN].into_iter().cycle()) {
        let seen = agent.seen.sessions().pop().expect("a session");
        late.extend(check(caller, &seen, lead_in));
    }
    late.sort_unstable();
    let latest = late.last().copied().unwrap_or_default();
    eprintln!("{} interruptions, the last whole packet of sound {latest:?} after the stop signal", late.len());
    if crate::full() {
        let figures = [
            crate::figure(
                "barge_in_p99_ms",
                "Stop signal to the last whole packet of sound, of 1,000, p99 in ms",
                late[late.len() * 99 / 100],
                PTIME,
            ),
            crate::figure("barge_in_worst_ms", "the same, the worst", latest, PTIME),
        ];
        crate::measured::save("barge_in", "Who interrupts is heard", "make quality-turns", &figures).expect("written");
    }
    // Nine of ten are within a packet on any machine; one that is held up itself is held up here, but not for as long as sound would go on.
    let (nine_of_ten, limit) = (late[late.len() * 9 / 10], if crate::measuring() { PTIME } else { Duration::from_millis(500) });
    assert!(nine_of_ten <= PTIME, "a whole packet of sound {nine_of_ten:?} after the stop signal, of ten of which nine came sooner");
    assert!(latest <= limit, "a whole packet of sound {latest:?} after the stop signal");
    for record in server.records(calls as usize) {
        let barge_ins = record["timeline"].as_array().expect("a timeline").iter().filter(|entry| entry["event"] == "barge_in").count();
        assert_eq!(barge_ins, INTERRUPTIONS as usize, "{record:#}");
    }
}

/// Speaks, and speaks again whenever the parrot has begun to repeat it.
async fn interrupt(gateway: SocketAddr, index: u32) -> Caller {
    let (words, mut room) = (utterance(40), Room::new(index));
    let mut caller = Caller::invite(gateway, &index.to_string(), HERE, plain).await.expect("the call is answered");
    caller.acknowledge().await;
    caller.talk(&words).await;
    for _ in 0..INTERRUPTIONS {
        let silent = caller.heard().len();
        for _ in 0..PATIENCE_FRAMES {
            caller.talk(once(room.frame())).await;
            if caller.heard()[silent..].iter().any(is_whole) {
                break;
            }
        }
        let into = 10 + room.next() as usize % 30;
        caller.talk(repeat_with(|| room.frame()).take(into)).await;
        caller.talk(&words).await;
    }
    caller.talk(repeat_with(|| room.frame()).take(5)).await;
    caller.hang_up().await;
    caller
}

/// Holds each interruption of a call against the rules; how long after each stop signal sound went on.
fn check(caller: &Caller, seen: &SessionSeen, lead_in: usize) -> Vec<Duration> {
    assert_eq!(seen.errors, [""; 0], "nothing that the agent refused");
    for pair in caller.heard().windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "every packet came");
    }
    let items = items(caller.heard());
    let told: Vec<u64> = seen.truncations.iter().map(|truncation| truncation.audio_end_ms).collect();
    let heard: Vec<u64> = items.iter().map(|item| (item.samples - lead_in) as u64 / 8).collect();
    assert_eq!(told, heard, "milliseconds of each item, as the agent was told and as the caller heard");
    assert_eq!(told.len(), INTERRUPTIONS as usize, "every interruption found the parrot speaking");
    let mut late = Vec::new();
    for item in items {
        assert!(item.onset.abs_diff(lead_in) <= 12, "sound begins at sample {}, not {lead_in}", item.onset);
        let stop = *seen.speech_started_at.iter().find(|&&at| at > item.began).expect("a stop signal");
        late.push(item.last_whole.saturating_duration_since(stop));
    }
    late
}

/// What was heard of one item of the agent's, up to where it was broken off.
struct Item {
    began: Instant,
    /// The slot of the last packet with more than a fade in it.
    last_whole: Instant,
    /// Samples from the first packet of it to the last of the fade.
    samples: usize,
    /// The first of them that is sound.
    onset: usize,
}

fn items(heard: &[Packet]) -> Vec<Item> {
    let slot_of = slots(heard);
    let mut items: Vec<Item> = Vec::new();
    let mut speaking = false;
    for packet in heard {
        let slot = slot_of(packet);
        if is_whole(packet) {
            if !speaking {
                let onset = decode(&packet.payload).iter().position(|&sample| is_sound(&[sample])).unwrap_or(FRAME);
                items.push(Item { began: slot, last_whole: slot, samples: 0, onset });
            }
            let item = items.last_mut().expect("an item has begun");
            (item.last_whole, item.samples) = (slot, item.samples + FRAME);
        } else {
            let samples = decode(&packet.payload);
            assert!(!is_sound(&samples[FADE..]), "after a packet of sound, or within noise, there is at most a fade of 5 ms");
            if let Some(item) = items.last_mut().filter(|_| speaking && is_sound(&samples[..FADE])) {
                item.samples += FADE;
            }
        }
        speaking = is_whole(packet);
    }
    items
}

/// Sound to its end.
fn is_whole(packet: &Packet) -> bool {
    is_sound(&decode(&packet.payload)[FRAME - FADE..])
}

/// Louder than the gateway's comfort noise ever is. What the parrot repeats was never so quiet for 5 ms.
fn is_sound(samples: &[i16]) -> bool {
    samples.iter().any(|sample| sample.abs() > 24)
}

/// Of each call.
const INTERRUPTIONS: u32 = 10;
const PATIENCE_FRAMES: u32 = 500;
/// Samples of a fade.
const FADE: usize = 40;
/// By how many samples the way from 24 to 8 kHz is late: they precede an item, and are none of it.
const LEAD_IN: usize = 40;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

//! The agent's own echo is not the caller, and the caller is heard through it.
//!
//! Recorded voices on both sides, in virtual time, over telephones that give back some of what they play: 20 to 30 dB
//! weaker, 20 to 300 ms later, half of them through G.711 twice and a speaker that distorts. Every call begins cold and
//! has five turns of the agent. The thresholds were found with some voices and seeds; the same trial with voices, seeds and
//! rooms that were kept out of that says what they are worth, and a third one sends everything through codecs and a network that
//! loses and shakes packets. `make quality-echo` saves the figures of all three; what is tested every day is a part.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test may fail by a panic")]

mod chance;
mod gateway;
mod line;
#[path = "../support/measured.rs"]
mod measured;
#[expect(dead_code, reason = "no program is looked for")]
#[path = "../support/tools.rs"]
mod tools;
mod voices;
mod wire;

use media::barge_in::Ear;
use media::codec::Codec;
use media::units::SampleRate;
use media::vad::Edge;

use self::chance::Chance;
use self::line::{EchoPath, Line};
use self::measured::Figure;
use self::voices::{Speech, Voice, held_out, voices};
use self::wire::{Network, Wire};

/// What was found in one turn.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    /// The caller was heard where he said nothing.
    false_alarms: u32,
    /// From his first active speech until he was heard.
    latency_ms: Option<f64>,
}

/// One call, and who is in it.
struct Call<'a> {
    chance: Chance,
    agent: &'a Voice,
    caller: &'a Voice,
    agent_db: f64,
    caller_db: f64,
    line: Line,
    ear: Ear,
    /// What is between the gateway and the line, where it is not nothing.
    wire: Option<Wire>,
    packets: u32,
}

impl<'a> Call<'a> {
    fn new(seed: u64, voices: &'a [Voice], over: Option<(Codec, Network)>) -> Self {
        let mut chance = Chance::new(seed);
        let agent = chance.below(voices.len() as u64) as usize;
        let caller = (agent + 1 + chance.below(voices.len() as u64 - 1) as usize) % voices.len();
        let (agent_db, caller_db) = (-24.0 + 8.0 * chance.part(), -30.0 + 14.0 * chance.part());
        let line = Line::new(EchoPath::draw(&mut chance), chance.fork());
        let wire = over.map(|(codec, network)| Wire::new(codec, network, &mut chance));
        let ear = Ear::new(wire.as_ref().map_or(SampleRate::HZ_8000, Wire::rate));
        Self { chance, agent: &voices[agent], caller: &voices[caller], agent_db, caller_db, line, ear, wire, packets: 0 }
    }

    /// A turn of the agent, 4 to 10 s, in which the caller says nothing, or interrupts.
    fn turn(&mut self, interrupts: bool) -> Turn {
        let length = 32_000 + self.chance.below(48_000) as usize;
        let mut agent = self.agent.speak(&mut self.chance, length, self.agent_db).samples;
        let begins = 4_000 + self.chance.below(24_000) as usize;
        let words = interrupts.then(|| self.caller.speak(&mut self.chance, 12_000, self.caller_db));
        let Speech { samples: words, onset } = words.unwrap_or_default();
        let ends = begins + words.len();
        let (mut turn, mut at, since) = (Turn::default(), 0, f64::from(self.packets) * PACKET_MS);
        while at < (agent.len().max(ends) + 8_000) {
            let began = self.packet(&packet(&agent, at), &packet_from(&words, at, begins));
            at += PACKET;
            let Some(began) = began else { continue };
            if !interrupts || !(begins..ends + 2_000).contains(&at) {
                turn.false_alarms += 1;
            } else if turn.latency_ms.is_none() {
                turn.latency_ms = Some((began - since - (begins + onset) as f64 / 8.0).max(0.0));
                // The agent falls silent.
                agent.truncate(at);
            }
        }
        turn
    }

    /// A packet each way; when the caller was heard to begin, in ms since the first.
    fn packet(&mut self, sent: &[i16], said: &[i16]) -> Option<f64> {
        self.packets += 1;
        if let Some(wire) = &mut self.wire {
            return wire.packet(&mut self.ear, &mut self.line, sent, said);
        }
        let sent = self.line.code(sent);
        let came = self.line.trip(&sent, said);
        self.ear.push_sent(&sent);
        let mut began = false;
        self.ear.push_received(&came, false, |overheard| began |= matches!(overheard.heard.edge, Some(Edge::Started { .. })));
        began.then_some(f64::from(self.packets) * PACKET_MS)
    }
}

fn turns(seeds: std::ops::Range<u64>, voices: &[Voice], interrupts: bool, over: Option<(Codec, Network)>) -> Vec<Turn> {
    let calls = seeds.map(|seed| Call::new(seed, voices, over));
    calls.flat_map(|mut call| std::array::from_fn::<Turn, 5, _>(|_| call.turn(interrupts))).collect()
}

fn packet(samples: &[i16], at: usize) -> Vec<i16> {
    packet_from(samples, at, 0)
}

/// The packet at `at` of samples that begin at `start`, silence where there are none.
fn packet_from(samples: &[i16], at: usize, start: usize) -> Vec<i16> {
    (at..at + PACKET).map(|n| n.checked_sub(start).and_then(|n| samples.get(n)).copied().unwrap_or(0)).collect()
}

/// What came of a trial.
struct Trial {
    name: &'static str,
    what: &'static str,
    turns: usize,
    false_alarms: u32,
    /// In order; what was never heard is infinitely late.
    latencies: Vec<f64>,
    gated: bool,
}

impl Trial {
    /// So many calls of five turns each in which the caller is silent, and as many in which he interrupts.
    fn run(name: &'static str, what: &'static str, voices: &[Voice], seed: u64, calls: u64, over: Option<(Codec, Network)>) -> Self {
        let echoed = turns(seed..seed + calls, voices, false, over);
        let interrupted = turns(seed + 100..seed + 100 + calls, voices, true, over);
        let false_alarms = echoed.iter().chain(&interrupted).map(|turn| turn.false_alarms).sum();
        let mut latencies: Vec<f64> = interrupted.iter().map(|turn| turn.latency_ms.unwrap_or(f64::INFINITY)).collect();
        latencies.sort_by(f64::total_cmp);
        Self { name, what, turns: echoed.len() + interrupted.len(), false_alarms, latencies, gated: over.is_none() }
    }

    fn heard_in_time(&self) -> f64 {
        self.latencies.iter().filter(|latency| **latency <= LIMIT_MS).count() as f64 / self.latencies.len() as f64
    }

    fn percentile(&self, part: usize) -> f64 {
        self.latencies[(self.latencies.len() * part / 100).min(self.latencies.len() - 1)]
    }

    fn figures(&self) -> [Figure; 4] {
        let Self { name, what, turns, gated, .. } = *self;
        let gate = |gate| gated.then_some(gate);
        let figure = |key: &str, text: String, value: f64, gate, at_least| Figure {
            name: format!("{name}{key}").leak(),
            what: text.leak(),
            value: Some(value),
            gate,
            at_least,
        };
        [
            figure("false_barge_ins", format!("{what}: false barge-ins in {turns} turns"), f64::from(self.false_alarms), gate(0.0), false),
            figure("heard_within_120_ms", format!("{what}: real barge-ins heard within 120 ms"), self.heard_in_time(), gate(0.98), true),
            figure("latency_p50_ms", format!("{what}: from active speech until it is heard, p50, ms"), self.percentile(50), None, false),
            figure("latency_p95_ms", format!("{what}: the same, p95, ms"), self.percentile(95), None, false),
        ]
    }
}

/// Each codec over a network that loses and shakes packets, with the voices of the thresholds and with others.
fn over_networks(voices: &[Voice], others: &[Voice], calls: u64) -> Vec<Trial> {
    let shaken = Network { loss: 0.05, jitter_ms: 30.0 };
    let run = |(n, (codec, name, what, other_name, other_what)): (usize, (Codec, _, _, _, _))| {
        let (seed, over) = (20_000 + n as u64 * 1_000, Some((codec, shaken)));
        let tuned = Trial::run(name, what, voices, seed, calls, over);
        [tuned, Trial::run(other_name, other_what, others, seed + 500, calls, over)]
    };
    NETWORKS.into_iter().enumerate().flat_map(run).collect()
}

#[test]
fn no_turn_of_echo_interrupts_anything_and_a_caller_is_heard_through_it_within_120_ms() {
    let Some((voices, others)) = voices().zip(held_out()) else { return };
    let all = std::env::var_os("AURICLE_MEASURE").is_some();
    let over_network = if all { 10 } else { 2 };
    let calls = 40;
    let mut trials = vec![
        Trial::run("", "echo of −20 to −30 dB", &voices, 0, calls, None),
        Trial::run("held_out_", "the same, voices and rooms no threshold was made for", &others, 10_000, calls, None),
    ];
    trials.extend(over_networks(&voices, &others, over_network));
    let figures: Vec<Figure> = trials.iter().flat_map(Trial::figures).collect();
    let shown: Vec<String> = figures.iter().filter_map(|figure| Some(format!("{}={:.4}", figure.name, figure.value?))).collect();
    eprintln!("RESULT echo {}", shown.join(" "));
    if all {
        measured::save("echo", "Barge-in with an echo in the line", "make quality-echo", &figures).expect("the figures are saved");
    }
    for figure in &figures {
        assert_ne!(figure.passed(), Some(false), "{} is {:?}", figure.what, figure.value);
    }
}

const PACKET_MS: f64 = 20.0;
const PACKET: usize = 160;
const LIMIT_MS: f64 = 120.0;
/// Codec, and how its trials are called: with the voices of the thresholds, and with others.
const NETWORKS: [(Codec, &str, &str, &str, &str); 4] = [
    (Codec::Pcmu, "pcmu_", "PCMU, 5 % loss, 30 ms of jitter", "held_out_pcmu_", "PCMU, 5 % loss, 30 ms of jitter, other voices"),
    (Codec::Pcma, "pcma_", "PCMA, 5 % loss, 30 ms of jitter", "held_out_pcma_", "PCMA, 5 % loss, 30 ms of jitter, other voices"),
    (Codec::G722, "g722_", "G.722, 5 % loss, 30 ms of jitter", "held_out_g722_", "G.722, 5 % loss, 30 ms of jitter, other voices"),
    (Codec::Opus, "opus_", "Opus, 5 % loss, 30 ms of jitter", "held_out_opus_", "Opus, 5 % loss, 30 ms of jitter, other voices"),
];

//! The agent's own echo is not the caller, and the caller is heard through it.
//!
//! Recorded voices on both sides, in virtual time, over telephones that give back some of what they play: 20 to 30 dB
//! weaker, 20 to 300 ms later, half of them through G.711 twice and a speaker that distorts. Every call begins cold and
//! has five turns of the agent. `make quality-echo` saves the figures.
#![expect(clippy::indexing_slicing, reason = "a test may fail by a panic")]

mod chance;
mod gateway;
mod line;
#[path = "../support/measured.rs"]
mod measured;
mod voices;

use media::barge_in::Ear;
use media::units::SampleRate;
use media::vad::Edge;

use self::chance::Chance;
use self::line::{EchoPath, Line};
use self::measured::Figure;
use self::voices::{Speech, Voice, voices};

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
}

impl<'a> Call<'a> {
    fn new(seed: u64, voices: &'a [Voice]) -> Self {
        let mut chance = Chance::new(seed);
        let agent = chance.below(voices.len() as u64) as usize;
        let caller = (agent + 1 + chance.below(voices.len() as u64 - 1) as usize) % voices.len();
        let (agent_db, caller_db) = (-24.0 + 8.0 * chance.part(), -30.0 + 14.0 * chance.part());
        let line = Line::new(EchoPath::draw(&mut chance), chance.fork());
        let ear = Ear::new(SampleRate::HZ_8000);
        Self { chance, agent: &voices[agent], caller: &voices[caller], agent_db, caller_db, line, ear }
    }

    /// A turn of the agent, 4 to 10 s, in which the caller says nothing, or interrupts.
    fn turn(&mut self, interrupts: bool) -> Turn {
        let length = 32_000 + self.chance.below(48_000) as usize;
        let mut agent = self.agent.speak(&mut self.chance, length, self.agent_db).samples;
        let begins = 4_000 + self.chance.below(24_000) as usize;
        let words = interrupts.then(|| self.caller.speak(&mut self.chance, 12_000, self.caller_db));
        let Speech { samples: words, onset } = words.unwrap_or_default();
        let ends = begins + words.len();
        let (mut turn, mut at) = (Turn::default(), 0);
        while at < (agent.len().max(ends) + 8_000) {
            let began = self.packet(&packet(&agent, at), &packet_from(&words, at, begins));
            at += PACKET;
            if !began {
                continue;
            }
            if !interrupts || !(begins..ends + 2_000).contains(&at) {
                turn.false_alarms += 1;
            } else if turn.latency_ms.is_none() {
                turn.latency_ms = Some(at.saturating_sub(begins + onset) as f64 / 8.0);
                // The agent falls silent.
                agent.truncate(at);
            }
        }
        turn
    }

    /// A packet each way; whether the caller was heard to begin.
    fn packet(&mut self, sent: &[i16], said: &[i16]) -> bool {
        let sent = self.line.code(sent);
        let came = self.line.trip(&sent, said);
        self.ear.push_sent(&sent);
        let mut began = false;
        self.ear.push_received(&came, |overheard| began |= matches!(overheard.heard.edge, Some(Edge::Started { .. })));
        began
    }
}

fn turns(seeds: std::ops::Range<u64>, voices: &[Voice], interrupts: bool) -> Vec<Turn> {
    let calls = seeds.map(|seed| Call::new(seed, voices));
    calls.flat_map(|mut call| std::array::from_fn::<Turn, 5, _>(|_| call.turn(interrupts))).collect()
}

fn packet(samples: &[i16], at: usize) -> Vec<i16> {
    packet_from(samples, at, 0)
}

/// The packet at `at` of samples that begin at `start`, silence where there are none.
fn packet_from(samples: &[i16], at: usize, start: usize) -> Vec<i16> {
    (at..at + PACKET).map(|n| n.checked_sub(start).and_then(|n| samples.get(n)).copied().unwrap_or(0)).collect()
}

#[test]
fn two_hundred_turns_of_echo_interrupt_nothing_and_a_caller_is_heard_through_it_within_120_ms() {
    let Some(voices) = voices() else { return };
    let echoed = turns(0..40, &voices, false);
    let interrupted = turns(100..140, &voices, true);
    let alarms: u32 = echoed.iter().chain(&interrupted).map(|turn| turn.false_alarms).sum();
    let mut latencies: Vec<f64> = interrupted.iter().map(|turn| turn.latency_ms.unwrap_or(f64::INFINITY)).collect();
    latencies.sort_by(f64::total_cmp);
    let heard = latencies.iter().filter(|latency| **latency <= LIMIT_MS).count() as f64 / latencies.len() as f64;
    let figure = |name, what, value, gate, at_least| Figure { name, what, value: Some(value), gate, at_least };
    let figures = [
        figure("false_barge_ins", "false barge-ins in 400 turns with an echo of −20 to −30 dB", f64::from(alarms), Some(0.0), false),
        figure("heard_within_120_ms", "real barge-ins over the echo heard within 120 ms", heard, Some(0.98), true),
        figure("latency_p50_ms", "from the caller's first active speech until he is heard, p50, ms", latencies[100], None, false),
        figure("latency_p95_ms", "the same, p95, ms", latencies[190], None, false),
    ];
    let shown: Vec<String> = figures.iter().filter_map(|figure| Some(format!("{}={:.4}", figure.name, figure.value?))).collect();
    eprintln!("RESULT echo {}", shown.join(" "));
    if std::env::var_os("AURICLE_MEASURE").is_some() {
        measured::save("echo", "Barge-in with an echo in the line", "make quality-echo", &figures).expect("the figures are saved");
    }
    for figure in &figures {
        assert_ne!(figure.passed(), Some(false), "{} is {:?}", figure.what, figure.value);
    }
}

const PACKET: usize = 160;
const LIMIT_MS: f64 = 120.0;

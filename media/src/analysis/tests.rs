#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]

use super::*;

const PACKET: usize = 160;
const PTIME: Duration = Duration::from_millis(20);

/// Both lines, packet by packet.
struct Scene {
    analysis: Analysis,
    now: Instant,
    position: u64,
    noise: u32,
}

impl Scene {
    fn new() -> Self {
        Self { analysis: Analysis::new(SampleRate::HZ_8000, None), now: Instant::now(), position: 0, noise: 1 }
    }

    /// Runs for so many seconds; `said` is what comes, nothing where nothing does.
    fn run(&mut self, seconds: usize, content: FrameContent, said: Option<impl Fn(u64) -> i16>) -> Vec<Condition> {
        let mut told = Vec::new();
        for _ in 0..seconds * 50 {
            let (rate, position) = (SampleRate::HZ_8000, self.position);
            let sent: [i16; PACKET] = std::array::from_fn(|_| self.noise() / 8);
            self.analysis.handle_sent(&ReferenceFrame { samples: &sent, rate, position, slot: self.now, content });
            let (samples, origin) = match &said {
                Some(said) => (std::array::from_fn(|n| said(position + n as u64)), FrameOrigin::Received),
                None => ([0; PACKET], FrameOrigin::Filled),
            };
            self.analysis.handle_received(self.now, &TapFrame { samples: &samples, rate, position, origin });
            (self.now, self.position) = (self.now + PTIME, position + PACKET as u64);
            while let AnalysisOutput::Warning(warning) = self.analysis.poll_output() {
                told.push(warning.condition);
            }
        }
        told
    }

    fn noise(&mut self) -> i16 {
        self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.noise >> 16) as i16
    }
}

fn nothing() -> Option<fn(u64) -> i16> {
    None
}

/// A room that hums a little.
fn room(n: u64) -> i16 {
    (20.0 * (n as f64 * 0.3).sin()) as i16
}

#[test]
fn a_line_on_which_nothing_comes_is_told_once_and_after_five_seconds() {
    let mut scene = Scene::new();
    assert_eq!(scene.run(4, FrameContent::Noise, nothing()), []);
    assert_eq!(scene.run(2, FrameContent::Noise, nothing()), [Condition::NothingComes]);
    scene.run(10, FrameContent::Noise, Some(room));
    assert_eq!(scene.run(30, FrameContent::Noise, nothing()), [], "once a call");
}

#[test]
fn packets_of_digital_silence_are_not_a_caller_who_is_silent() {
    let mut scene = Scene::new();
    assert_eq!(scene.run(12, FrameContent::Noise, Some(|_| 0)), [Condition::OnlySilence]);
    assert_eq!(Scene::new().run(30, FrameContent::Noise, Some(room)), []);
}

#[test]
fn an_agent_who_speaks_to_nobody_is_told_of() {
    let mut scene = Scene::new();
    assert_eq!(scene.run(44, FrameContent::Agent, Some(room)), []);
    assert_eq!(scene.run(3, FrameContent::Agent, Some(room)), [Condition::NobodyAnswers]);
}

#[test]
fn noise_and_an_offset_are_told_of_with_their_measure() {
    let mut scene = Scene::new();
    let told = scene.run(12, FrameContent::Noise, Some(|n: u64| (600.0 * (n as f64 * 0.3).sin()) as i16 + 500));
    assert_eq!(told, [Condition::Offset, Condition::Noisy]);
    let offset = scene.analysis.diagnostics().caller.dc_offset;
    assert!((offset - 500.0 / 32_768.0).abs() < 0.001, "{offset}");
}

#[test]
fn who_speaks_is_counted_on_the_line_that_comes() {
    let mut scene = Scene::new();
    scene.run(3, FrameContent::Agent, Some(room));
    scene.run(2, FrameContent::Noise, Some(room));
    let talk = scene.analysis.diagnostics().talk;
    let near = |time: Duration, seconds: f64| (time.as_secs_f64() - seconds).abs() < 0.1;
    assert!(near(talk.agent, 3.0) && near(talk.nobody, 2.0), "{talk:?}");
    assert_eq!((talk.caller, talk.both), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn another_rate_on_either_side_is_followed() {
    let mut scene = Scene::new();
    scene.run(1, FrameContent::Agent, Some(room));
    for n in 0..100_u64 {
        let wide = [0; 480];
        let sent =
            ReferenceFrame { samples: &wide, rate: SampleRate::HZ_24000, position: n * 480, slot: scene.now, content: FrameContent::Agent };
        scene.analysis.handle_sent(&sent);
        let came = TapFrame { samples: &wide[..320], rate: SampleRate::HZ_16000, position: n * 320, origin: FrameOrigin::Received };
        scene.analysis.handle_received(scene.now, &came);
    }
    assert_eq!(scene.analysis.ear.rate(), SampleRate::HZ_16000);
    let talk = scene.analysis.diagnostics().talk;
    assert!(talk.agent >= Duration::from_millis(2_900), "{talk:?}");
}

//! An analysis that listens to both lines of a call allocates nothing once it stands, whatever it finds.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, reason = "a test may fail by a panic")]

use std::time::{Duration, Instant};

use allocation_counter::measure;
use media::analysis::{Analysis, AnalysisOutput};
use media::barge_in::{self, AgentSpeech, Decision};
use media::egress::{FrameContent, ReferenceFrame};
use media::ingress::{FrameOrigin, TapFrame};
use media::units::SampleRate;

const PTIME: Duration = Duration::from_millis(20);

struct Call {
    analysis: Analysis,
    now: Instant,
    packets: u64,
    decisions: u32,
    warnings: u32,
}

impl Call {
    /// So many packets both ways: every fourth second the caller speaks, and the agent always does.
    fn run(&mut self, packets: u64, rate: SampleRate) {
        let length = rate.samples(PTIME) as usize;
        for n in self.packets..self.packets + packets {
            let (mut sent, mut came) = ([0; 480], [0; 480]);
            let at = |k: usize| (n as usize * length + k) as f64 / f64::from(rate.hz());
            let voiced = n % 200 < 50;
            (0..length).for_each(|k| {
                sent[k] = buzz(at(k), 110.0);
                came[k] = if voiced { buzz(at(k), 190.0) } else { (k % 7) as i16 };
            });
            self.now += PTIME;
            let position = n * length as u64;
            self.analysis.handle_agent(self.now, AgentSpeech { waiting: Duration::from_secs(1), more: true, uninterruptible: false });
            self.analysis.handle_sent(&ReferenceFrame {
                samples: &sent[..length],
                rate,
                position,
                slot: self.now,
                content: FrameContent::Agent,
            });
            self.analysis.handle_received(self.now, &TapFrame { samples: &came[..length], rate, position, origin: FrameOrigin::Received });
            self.analysis.handle_timeout(self.now);
            loop {
                match self.analysis.poll_output() {
                    AnalysisOutput::Decision(decision) => self.decisions += u32::from(decision == Decision::Pause),
                    AnalysisOutput::Warning(_) => self.warnings += 1,
                    AnalysisOutput::Timeout(_) => break,
                }
            }
        }
        self.packets += packets;
    }
}

/// A voice of a kind: a comb of harmonics under a syllable.
fn buzz(t: f64, pitch: f64) -> i16 {
    let syllable = 0.6 + 0.4 * (t * 22.0).sin();
    let harmonic = |n: i32| (t * pitch * f64::from(n) * std::f64::consts::TAU).sin() / (1.0 + (f64::from(n) * pitch / 700.0 - 1.0).powi(2));
    ((1..18).map(harmonic).sum::<f64>() * syllable * 4_000.0) as i16
}

#[test]
fn no_frame_allocates_at_any_rate() {
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000] {
        let analysis = Analysis::new(rate, Some(barge_in::Config::default()));
        let mut call = Call { analysis, now: Instant::now(), packets: 0, decisions: 0, warnings: 0 };
        call.run(50, rate);
        let found = measure(|| call.run(1_000, rate));
        assert_eq!(found.count_total, 0, "{rate:?}: {found:?}");
        assert!(call.decisions > 0, "nothing was decided at {rate:?}");
    }
}

#[test]
fn an_analysis_takes_less_than_a_hundred_kilobytes() {
    let found = measure(|| drop(Analysis::new(SampleRate::HZ_8000, Some(barge_in::Config::default()))));
    eprintln!("RESULT analysis_bytes={}", found.bytes_max);
    assert!(found.bytes_max < 100_000, "{found:?}");
}

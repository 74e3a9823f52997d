//! Real voices made shorter and longer stay these voices, with no click in them and with no allocation.

use allocation_counter::{AllocationInfo, measure};
use media::time_scale::{TimeScale, Urgency};
use media::units::SampleRate;

const RATE: SampleRate = SampleRate::HZ_8000;
/// Of Debian's `codec2-examples`: two women, two men, and one over a radio.
const VOICES: [&str; 5] = ["hts1", "hts2", "forig", "morig", "ve9qrp_10s"];

#[test]
fn real_voices_can_be_hurried_and_slowed_and_every_frame_is_still_theirs() {
    for name in VOICES {
        let Some(voice) = voice(name) else { return };
        for urgency in [Urgency::Calm, Urgency::Pressing, Urgency::Forced] {
            for faster in [true, false] {
                let mut scale = TimeScale::new(RATE);
                let (mut out, mut resemblance) = (Vec::new(), Vec::new());
                let mut shift = 0;
                for (n, window) in voice.chunks_exact(scale.window()).enumerate() {
                    let before = out.len();
                    shift += if faster {
                        scale.accelerate(window, usize::MAX, urgency, &mut out)
                    } else {
                        scale.stretch(window, usize::MAX, urgency, &mut out)
                    };
                    // The longest period is 15 ms, so what was changed is found that near to where it was.
                    let around = &voice[(n * 240).saturating_sub(130)..voice.len().min(n * 240 + 370)];
                    resemblance.extend(out[before..].chunks_exact(80).map(|frame| best_match(frame, around)));
                }
                resemblance.sort_by(f64::total_cmp);
                let (few, half) = (resemblance[resemblance.len() / 20], resemblance[resemblance.len() / 2]);
                let share = shift as f64 / voice.len() as f64;
                println!("{name} {urgency:?} faster {faster}: by {share:.3}, 5 % of frames below {few:.3}, half below {half:.3}");
                let (least_share, least_few) = match urgency {
                    Urgency::Calm => (0.08, 0.95),
                    Urgency::Pressing => (0.15, 0.9),
                    Urgency::Forced => (0.2, 0.7),
                };
                assert!(share > least_share && few > least_few && half > 0.97);
            }
        }
    }
}

#[test]
fn a_change_allocates_nothing() {
    let tone: Vec<i16> = (0..1_440).map(|n| (9_000.0 * (f64::from(n) * 0.037).sin()) as i16).collect();
    for rate in [RATE, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000] {
        let mut scale = TimeScale::new(rate);
        let mut out = Vec::with_capacity(2 * 1_440);
        let mut changed = 0;
        let AllocationInfo { count_total, .. } = measure(|| {
            for urgency in [Urgency::Calm, Urgency::Pressing, Urgency::Forced] {
                out.clear();
                changed += scale.accelerate(tone.get(..scale.window()).unwrap(), usize::MAX, urgency, &mut out);
                out.clear();
                changed += scale.stretch(tone.get(..scale.window()).unwrap(), usize::MAX, urgency, &mut out);
            }
        });
        assert!(count_total == 0 && changed > 0, "{rate}: {count_total} allocations, {changed} samples changed");
    }
}

/// The highest correlation of `frame` with any place of `around`; what is hardly audible is always alike.
fn best_match(frame: &[i16], around: &[i16]) -> f64 {
    let dot = |a: &[i16], b: &[i16]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let own = dot(frame, frame);
    if own < 100.0 * 100.0 * frame.len() as f64 {
        return 1.0;
    }
    around.windows(frame.len()).map(|place| dot(frame, place) / (own * dot(place, place)).sqrt().max(1.0)).fold(-1.0, f64::max)
}

fn voice(name: &str) -> Option<Vec<i16>> {
    let path = format!("/usr/share/codec2/raw/{name}.raw");
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect()),
        Err(error) => {
            eprintln!("skipped: {path}: {error} (make setup installs codec2-examples)");
            None
        }
    }
}

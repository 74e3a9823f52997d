//! Whatever sounds on the line, at every rate: keys begin and end in turn, in order, and none is down at the end.
#![no_main]

use std::f64::consts::TAU;

use libfuzzer_sys::fuzz_target;
use media::dtmf::{Detector, Edge};
use media::units::SampleRate;

const HZ: [f64; 8] = [697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0];

// Each five octets are a piece of sound: two tones or octets as samples, how far off, how loud, how long.
fuzz_target!(|input: &[u8]| {
    let (&first, script) = input.split_first().unwrap_or((&0, &[]));
    let rate = SampleRate::new([8_000, 12_000, 16_000, 24_000, 44_100, 48_000][usize::from(first) % 6]).expect("a rate that there is");
    let (mut detector, mut events, mut down, mut total) = (Detector::new(rate), Vec::new(), None, 0_u64);
    for &[tones, off, low, high, length] in script.as_chunks::<5>().0.iter().take(64) {
        let hz = |tone: u8, nth: u8| HZ[usize::from(tone & 7)] * (1.0 + f64::from(off.rotate_left(4 * u32::from(nth)) & 15) / 300.0 - 0.02);
        let sine = |n: u64, hz: f64, level: u8| f64::from(level).powi(2) * (TAU * hz * n as f64 / f64::from(rate.hz())).sin();
        let count = u64::from(length) * u64::from(rate.hz()) / 1_000;
        let sound: Vec<i16> = (total..total + count)
            .map(|n| match tones & 0x40 {
                0 => (sine(n, hz(tones, 0), low) + sine(n, hz(tones >> 3, 1), high)).clamp(-32_768.0, 32_767.0) as i16,
                _ => i16::from_be_bytes([input[n as usize % input.len()], low]),
            })
            .collect();
        total += count;
        detector.push(&sound, &mut events);
    }
    detector.close(&mut events);
    let mut last = 0;
    for event in events {
        match event.edge {
            Edge::Began => assert_eq!(down.replace((event.digit, event.position)), None),
            Edge::Ended { duration } => {
                let (digit, began) = down.take().expect("what ends has begun");
                assert_eq!((event.digit, rate.duration(event.position - began)), (digit, duration));
            }
        }
        assert!(event.position >= last && event.position <= total, "{event:?} after {last} of {total}");
        last = event.position;
    }
    assert_eq!(down, None);
});

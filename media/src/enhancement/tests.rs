//! What goes in comes out: in time, whole, and without what was sent.

use super::*;

/// Noise with the spectrum and the syllables of a voice, more or less: each seed another.
struct Voice {
    state: u32,
    low: [f64; 2],
    at: u32,
}

impl Voice {
    fn new(seed: u32) -> Self {
        Self { state: seed.wrapping_mul(2_654_435_761) | 1, low: [0.0; 2], at: seed * 5_000 }
    }

    fn next(&mut self) -> f64 {
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = f64::from(self.state >> 8) / f64::from(1 << 23) - 1.0;
        self.low[0] += 0.3 * (white - self.low[0]);
        self.low[1] += 0.05 * (self.low[0] - self.low[1]);
        self.at += 1;
        let syllable = (f64::from(self.at) / 16_000.0 * 3.7).sin().max(0.0);
        (self.low[0] - self.low[1]) * syllable * 20_000.0
    }

    fn samples(&mut self, count: usize) -> Vec<i16> {
        (0..count).map(|_| self.next() as i16).collect()
    }
}

fn energy_db(samples: &[i16]) -> f64 {
    10.0 * (samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64 + 1e-3).log10()
}

fn everything() -> [Enhancement; 3] {
    let on = |echo_cancellation, noise_suppression| Enhancement { echo_cancellation, noise_suppression };
    [on(true, Suppression::Off), on(false, Suppression::Moderate), on(true, Suppression::High)]
}

/// `came` in packets, beside `sent`, at a rate; what is made of it.
fn enhanced(wanted: Enhancement, rate: SampleRate, sent: &[i16], came: &[i16]) -> Vec<i16> {
    let (mut enhancer, mut out) = (Enhancer::new(wanted).unwrap(), Vec::new());
    let packet = rate.hz() as usize / 50;
    for (sent, came) in sent.chunks(packet).zip(came.chunks(packet)) {
        enhancer.push_sent(sent, rate);
        enhancer.push_received(came, rate, &mut out);
    }
    out
}

/// By how many samples `late` follows `early`: the lag of the greatest product.
fn lag(early: &[i16], late: &[i16]) -> usize {
    let product = |lag: usize| early.iter().zip(&late[lag..]).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum::<f64>();
    (0..800).max_by(|one, other| product(*one).total_cmp(&product(*other))).unwrap()
}

#[test]
fn nothing_is_made_where_nothing_is_wanted() {
    assert!(Enhancer::new(Enhancement::default()).is_none());
}

#[test]
fn every_packet_of_twenty_milliseconds_yields_as_much_at_every_rate() {
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000] {
        for wanted in everything() {
            let (mut enhancer, mut out) = (Enhancer::new(wanted).unwrap(), Vec::new());
            for n in 1..100 {
                enhancer.push_sent(&vec![0; rate.hz() as usize / 50], rate);
                enhancer.push_received(&vec![100; rate.hz() as usize / 50], rate, &mut out);
                assert_eq!(out.len(), n * 320, "{wanted:?} at {rate}");
            }
        }
    }
}

#[test]
fn odd_packets_lose_nothing_and_wait_for_less_than_a_frame() {
    for wanted in everything() {
        let (mut enhancer, mut out, mut came) = (Enhancer::new(wanted).unwrap(), Vec::new(), 0);
        for n in 0..500 {
            let length = 1 + n * 37 % 311;
            enhancer.push_sent(&vec![0; length], SampleRate::HZ_16000);
            enhancer.push_received(&vec![0; length], SampleRate::HZ_16000, &mut out);
            came += length;
            assert!(out.len() <= came && came - out.len() < BLOCK + FRAME, "{wanted:?}: {} of {came}", out.len());
        }
    }
}

#[test]
fn the_delay_is_four_milliseconds_for_the_echo_and_six_for_the_noise() {
    let said = Voice::new(7).samples(48_000);
    for (wanted, delay) in everything().into_iter().zip([64, 96, 160]) {
        let out = enhanced(wanted, SampleRate::HZ_16000, &[0; 48_000], &said);
        let found = lag(&said[16_000..40_000], &out[16_000..]);
        assert!(found.abs_diff(delay) <= 3, "{wanted:?}: {found} samples, not {delay}");
    }
}

/// What was sent, come back `delay` samples later and `loss_db` weaker.
fn echo(sent: &[i16], delay: usize, loss_db: f64) -> Vec<i16> {
    let gain = 10_f64.powf(-loss_db / 20.0);
    std::iter::repeat_n(0, delay).chain(sent.iter().map(|&sample| (f64::from(sample) * gain) as i16)).take(sent.len()).collect()
}

#[test]
fn an_echo_is_taken_out_at_every_rate_and_the_caller_is_not() {
    let wanted = everything()[0];
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000] {
        let hz = rate.hz() as usize;
        let sent = Voice::new(3).samples(12 * hz);
        for delay_ms in [20, 120, 300] {
            let came = echo(&sent, delay_ms * hz / 1_000, 22.0);
            let out = enhanced(wanted, rate, &sent, &came);
            let enhancement = energy_db(&came[6 * hz..]) - energy_db(&out[6 * 16_000..]);
            assert!(enhancement > 20.0, "{rate}, {delay_ms} ms: {enhancement:.1} dB");
        }
        let said = Voice::new(11).samples(12 * hz);
        let out = enhanced(wanted, rate, &vec![0; 12 * hz], &said);
        let change = energy_db(&out[6 * 16_000..]) - energy_db(&said[6 * hz..]);
        assert!(change.abs() < 1.5, "{rate}: {change:.1} dB");
    }
}

/// Packets that come in bursts and late, as jitter and gaps make them, beside a steady line that is sent.
fn with_jitter(sent: &[i16], came: &[i16], late: impl Fn(usize) -> usize) -> Vec<i16> {
    let (mut enhancer, mut out, mut next) = (Enhancer::new(everything()[0]).unwrap(), Vec::new(), 0);
    let packets: Vec<&[i16]> = came.chunks_exact(160).collect();
    for (slot, sent) in sent.chunks_exact(160).enumerate() {
        enhancer.push_sent(sent, SampleRate::HZ_8000);
        while next < packets.len() && next + late(next) <= slot {
            enhancer.push_received(packets[next], SampleRate::HZ_8000, &mut out);
            next += 1;
        }
    }
    out
}

#[test]
fn packets_that_come_late_and_in_bursts_leave_the_reference_where_it_is() {
    let sent = Voice::new(5).samples(160_000);
    let came = echo(&sent, 640, 22.0);
    let out = with_jitter(&sent, &came, |packet| [0, 1, 3, 2, 1, 0, 5, 4, 3, 2, 1][packet * 7 % 11].max(packet % 2));
    let enhancement = energy_db(&came[80_000..150_000]) - energy_db(&out[160_000..300_000]);
    assert!(enhancement > 18.0, "{enhancement:.1} dB");
}

#[test]
fn a_clock_that_drifts_keeps_the_echo_out() {
    for drift in [-300_i64, 300] {
        let sent = Voice::new(9).samples(8_000 * 60);
        // The far clock's sample n was sent at n·(1 + drift).
        let at = |n: i64| n + n * drift / 1_000_000;
        let came: Vec<i16> =
            (0..8_000 * 59).map(|n| (at(n) - 800).try_into().ok().and_then(|n: usize| sent.get(n)).map_or(0, |s| s / 12)).collect();
        let (mut enhancer, mut out, mut done) = (Enhancer::new(everything()[0]).unwrap(), Vec::new(), 0);
        for slot in 1..50 * 58_i64 {
            enhancer.push_sent(&sent[(slot as usize - 1) * 160..slot as usize * 160], SampleRate::HZ_8000);
            while at(done + 160) <= slot * 160 {
                enhancer.push_received(&came[done as usize..done as usize + 160], SampleRate::HZ_8000, &mut out);
                done += 160;
            }
        }
        let enhancement = energy_db(&came[8_000 * 10..8_000 * 55]) - energy_db(&out[16_000 * 10..16_000 * 55]);
        assert!(enhancement > 12.0, "{drift} ppm: {enhancement:.1} dB");
    }
}

#[test]
fn noise_goes_down_by_no_more_than_was_asked_for() {
    let mut voice = 1_u32;
    let noise: Vec<i16> = (0..160_000)
        .map(|_| {
            voice = voice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((voice >> 16) as i32 % 600 - 300) as i16
        })
        .collect();
    for (by, expected) in [(Suppression::Low, 6.0), (Suppression::Moderate, 12.0), (Suppression::High, 18.0), (Suppression::VeryHigh, 21.0)]
    {
        let out = enhanced(Enhancement { echo_cancellation: false, noise_suppression: by }, SampleRate::HZ_16000, &noise, &noise);
        let down = energy_db(&noise[80_000..]) - energy_db(&out[80_000..]);
        assert!((down - expected).abs() < 2.0, "{by:?}: {down:.1} dB");
    }
}

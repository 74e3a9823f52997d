use proptest::prelude::*;

use super::*;

const PTIME: Duration = Duration::from_millis(20);

/// A far end and the way from it: a clock, and what a random path does to packets.
struct Scene {
    start: Instant,
    estimator: SkewEstimator,
    skew_ppm: f64,
    seed: u64,
    sent: u32,
    /// Delay of the path without its jitter.
    path: Duration,
    jitter: Duration,
    /// Of 256.
    loss: u64,
    first: u32,
}

impl Scene {
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
    fn new(skew_ppm: f64, jitter_ms: u64, seed: u64) -> Self {
        let (start, estimator) = (Instant::now(), SkewEstimator::new(ClockRate::HZ_8000));
        let (path, jitter) = (Duration::from_millis(300), Duration::from_millis(jitter_ms));
        // The timestamp wraps within the first minute.
        Self { start, estimator, skew_ppm, seed, sent: 0, path, jitter, loss: 12, first: u32::MAX - 200_000 }
    }

    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 33
    }

    /// When the next packet leaves, by our clock: a fast clock sends sooner.
    fn leaves(&self) -> Instant {
        self.start + PTIME.mul_f64(f64::from(self.sent) / (1.0 + self.skew_ppm * 1e-6))
    }

    fn send(&mut self) {
        let jitter = self.jitter.mul_f64((self.random() & 0xf_ffff) as f64 / f64::from(0x10_0000));
        let (leaves, lost) = (self.leaves(), self.random() & 0xff < self.loss);
        let timestamp = RtpTimestamp(self.first.wrapping_add(self.sent * 160));
        self.sent += 1;
        if !lost {
            self.estimator.arrived(leaves + self.path + jitter, timestamp);
        }
    }

    fn seconds(&mut self, seconds: u32) {
        (0..seconds * 50).for_each(|_| self.send());
    }

    /// How far the estimate is from the truth, which it must know by now.
    fn error(&self) -> f64 {
        (self.estimator.skew_ppm().expect("an estimate by now") - self.skew_ppm).abs()
    }

    /// Goes on for so long; the estimate must never be far off.
    fn stays(&mut self, seconds: u32, within_ppm: f64) {
        for second in 0..seconds {
            self.seconds(1);
            assert!(self.error() <= within_ppm, "after {second} s more: {:?} for {}", self.estimator.skew_ppm(), self.skew_ppm);
        }
    }
}

#[test]
fn nothing_is_said_before_it_can_be_known() {
    let mut scene = Scene::new(100.0, 0, 1);
    assert_eq!(scene.estimator.skew_ppm(), None);
    scene.seconds(17);
    assert_eq!(scene.estimator.skew_ppm(), None);
    scene.seconds(8);
    assert!(scene.error() < 0.5, "{}", scene.error());
}

#[test]
fn clocks_of_every_rate_are_measured_alike() {
    for rate in [8_000, 16_000, 48_000] {
        let mut scene = Scene::new(-250.0, 5, 3);
        scene.estimator = SkewEstimator::new(ClockRate(rate));
        for n in 0..3_000u32 {
            scene.sent = n;
            let (leaves, delay) = (scene.leaves(), Duration::from_millis(u64::from(n * 7 % 6)));
            scene.estimator.arrived(leaves + delay, RtpTimestamp(n.wrapping_mul(rate / 50)));
        }
        assert!(scene.error() < 5.0, "{rate} Hz: {}", scene.error());
    }
}

#[test]
fn a_burst_behind_an_outage_is_not_skew() {
    let mut scene = Scene::new(80.0, 10, 4);
    scene.seconds(60);
    for _ in 0..10 {
        // Three seconds of packets wait somewhere and come all at once.
        let released = scene.leaves() + Duration::from_secs(3);
        while scene.leaves() + scene.path < released {
            let timestamp = RtpTimestamp(scene.first.wrapping_add(scene.sent * 160));
            scene.estimator.arrived(released, timestamp);
            scene.sent += 1;
        }
        scene.stays(20, 20.0);
    }
}

#[test]
fn a_step_of_which_a_few_packets_knew_nothing_is_not_skew() {
    let mut scene = Scene::new(-122.453_218_746_167_4, 3, 3_405_500_372_659_824_251);
    scene.seconds(172);
    scene.path += Duration::from_millis(20);
    scene.stays(240, 20.0);
}

#[test]
fn a_telephone_event_that_repeats_its_timestamp_is_not_skew() {
    let mut scene = Scene::new(-60.0, 10, 5);
    scene.seconds(60);
    for _ in 0..20 {
        let began = RtpTimestamp(scene.first.wrapping_add(scene.sent * 160));
        for _ in 0..15 {
            let (leaves, path) = (scene.leaves(), scene.path);
            scene.estimator.arrived(leaves + path, began);
            scene.sent += 1;
        }
        scene.stays(3, 20.0);
    }
}

#[test]
fn a_pause_of_minutes_and_a_leap_of_the_timestamp_are_not_skew() {
    let mut scene = Scene::new(150.0, 20, 6);
    scene.seconds(120);
    scene.sent += 50 * 300;
    scene.stays(120, 20.0);
    for leap in [800_000, 0x7000_0000, 0x9000_0000] {
        scene.first = scene.first.wrapping_add(leap);
        scene.stays(120, 20.0);
    }
}

#[test]
fn another_stream_is_another_clock() {
    let mut scene = Scene::new(300.0, 20, 7);
    scene.seconds(60);
    scene.estimator.restart();
    assert_eq!(scene.estimator.skew_ppm(), None);
    let mut other = Scene::new(-300.0, 20, 8);
    std::mem::swap(&mut other.estimator, &mut scene.estimator);
    other.seconds(60);
    assert!(other.error() <= 20.0, "{}", other.error());
}

#[test]
fn an_hour_takes_no_more_memory_than_the_first_minute() {
    let mut scene = Scene::new(200.0, 50, 9);
    let room = |scene: &Scene| [&scene.estimator.floor, &scene.estimator.strays, &scene.estimator.hull].map(Vec::capacity);
    let at_birth = room(&scene);
    scene.seconds(3_600);
    assert_eq!(room(&scene), at_birth);
    assert!(scene.error() <= 5.0, "{}", scene.error());
}

#[test]
fn a_clock_of_no_rate_is_passed_over() {
    let mut scene = Scene::new(0.0, 0, 10);
    scene.estimator = SkewEstimator::new(ClockRate(0));
    scene.seconds(60);
    assert_eq!(scene.estimator.skew_ppm(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn three_hundred_ppm_under_fifty_milliseconds_of_jitter_are_known_to_twenty_within_a_minute_and_stay_known(
        skew_ppm in -300.0f64..=300.0, jitter_ms in 0u64..=50, seed: u64,
    ) {
        let mut scene = Scene::new(skew_ppm, jitter_ms, seed);
        scene.seconds(60);
        scene.stays(240, 20.0);
    }

    #[test]
    fn a_step_of_the_delay_is_not_skew(skew_ppm in -300.0f64..=300.0, up: bool, step_ms in 20u64..=250, jitter_ms in 0u64..=20, after in 60u32..180, seed: u64) {
        let mut scene = Scene::new(skew_ppm, jitter_ms, seed);
        scene.seconds(after);
        let step = Duration::from_millis(step_ms);
        scene.path = if up { scene.path + step } else { scene.path - step };
        scene.stays(240, 20.0);
    }

    #[test]
    fn nothing_that_comes_makes_the_estimate_nonsense(packets in proptest::collection::vec((0u64..5_000, any::<u32>(), 0u8..4), 1..300)) {
        let mut scene = Scene::new(0.0, 0, 1);
        let (mut now, mut timestamp) = (scene.start, 0u32);
        for (passed_ms, random, kind) in packets {
            now += Duration::from_millis(passed_ms);
            timestamp = if kind == 0 { random } else { timestamp.wrapping_add(passed_ms as u32 * 8) };
            scene.estimator.arrived(now, RtpTimestamp(timestamp));
            prop_assert!(scene.estimator.skew_ppm().is_none_or(|skew| skew.abs() <= MOST_PPM));
        }
    }
}

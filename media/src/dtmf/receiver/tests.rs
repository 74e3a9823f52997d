use super::*;
use crate::units::PayloadType;

const MS: Duration = Duration::from_millis(1);

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
fn start() -> Instant {
    Instant::now()
}

/// A report as it goes on the wire.
fn report(key: char, end: bool, duration: u16) -> [u8; 4] {
    Report { code: Digit::new(key).map_or(255, Digit::event), end, volume: 10, duration }.write()
}

/// A receiver and the stream it hears.
struct Scene {
    receiver: Receiver,
    start: Instant,
    now: Instant,
    sequence: u16,
    ssrc: u32,
}

impl Scene {
    fn new() -> Self {
        Self::at_rate(ClockRate::HZ_8000)
    }

    fn at_rate(clock_rate: ClockRate) -> Self {
        let now = start();
        Self { receiver: Receiver::new(clock_rate), start: now, now, sequence: 65_530, ssrc: 7 }
    }

    /// The next packet in sequence, 20 ms after the one before it.
    fn hear(&mut self, timestamp: u32, marker: bool, payload: &[u8]) {
        self.sequence = self.sequence.wrapping_add(1);
        self.now += 20 * MS;
        self.hear_as(self.sequence, timestamp, marker, payload);
    }

    fn hear_as(&mut self, sequence: u16, timestamp: u32, marker: bool, payload: &[u8]) {
        let payload_type = PayloadType::from_low_bits(101);
        let (sequence, timestamp) = (SequenceNumber(sequence), RtpTimestamp(timestamp));
        let header = RtpHeader { payload_type, sequence, timestamp, ssrc: Ssrc(self.ssrc), marker };
        self.receiver.handle_packet(self.now, &RtpPacket { header, payload });
    }

    /// A whole key as a good sender tells it: 100 ms in five reports, and two copies of the last.
    fn hear_key(&mut self, timestamp: u32, key: char) {
        for n in 1..=7_u16 {
            self.hear(timestamp, n == 1, &report(key, n >= 5, 160 * n.min(5)));
        }
    }

    /// Nothing comes for so long.
    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.receiver.handle_timeout(self.now);
    }

    fn events(&mut self) -> Vec<DigitEvent> {
        std::iter::from_fn(|| match self.receiver.poll_output() {
            ReceiverOutput::Event(event) => Some(event),
            ReceiverOutput::Timeout(_) => None,
        })
        .collect()
    }

    /// The edges as `5` pressed and `5:100` let go after 100 ms.
    fn told(&mut self) -> String {
        let edges = self.events().into_iter().map(|event| match event.edge {
            Edge::Began => event.digit.key().to_string(),
            Edge::Ended { duration } => format!("{}:{}", event.digit.key(), duration.as_millis()),
        });
        edges.collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_key_is_told_when_it_is_pressed_and_when_it_is_let_go() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('5', false, 160));
    let pressed = scene.now;
    scene.hear(1_000, false, &report('5', false, 320));
    scene.hear(1_000, false, &report('5', true, 480));
    scene.hear(1_000, false, &report('5', true, 480));
    let digit = Digit::new('5').unwrap();
    let (began, ended) = (Edge::Began, Edge::Ended { duration: 60 * MS });
    let event = |edge, at, timestamp| DigitEvent { digit, edge, source: Source::Rfc4733, at, timestamp: RtpTimestamp(timestamp) };
    assert_eq!(scene.events(), [event(began, pressed, 1_000), event(ended, pressed + 40 * MS, 1_480)]);
    assert_eq!(scene.receiver.stats(), ReceiverStats { packets: 4, keys: 1, repeated: 1, ..ReceiverStats::default() });
}

#[test]
fn a_duration_is_counted_by_the_clock_of_the_stream() {
    for (rate, ticks) in [(8_000, 800), (16_000, 1_600), (48_000, 4_800)] {
        let mut scene = Scene::at_rate(ClockRate(rate));
        scene.hear(1_000, true, &report('#', true, ticks));
        assert_eq!(scene.told(), "# #:100", "{rate} Hz");
    }
}

#[test]
fn any_one_report_of_a_key_tells_it_whole() {
    for alone in 1..=7_u16 {
        let mut scene = Scene::new();
        scene.hear(1_000, alone == 1, &report('5', alone >= 5, 160 * alone.min(5)));
        scene.wait(200 * MS);
        assert_eq!(scene.told(), format!("5 5:{}", 20 * alone.min(5)));
    }
}

#[test]
fn the_same_key_twice_is_two_keys_whatever_is_lost_of_it() {
    // What remains of each of the two, by the place in its row of reports.
    for (first, second) in [(0..7, 0..7), (0..1, 6..7), (1..3, 1..3), (6..7, 4..5)] {
        let mut scene = Scene::new();
        for (began, kept) in [(1_000, first), (2_600, second)] {
            for n in 1..=7_u16 {
                scene.sequence = scene.sequence.wrapping_add(1);
                scene.now += 20 * MS;
                if kept.contains(&(n - 1)) {
                    scene.hear_as(scene.sequence, began, n == 1, &report('1', n >= 5, 160 * n.min(5)));
                }
            }
        }
        scene.wait(200 * MS);
        let began = scene.events().iter().filter(|event| event.edge == Edge::Began).count();
        assert_eq!(began, 2);
    }
}

#[test]
fn a_key_whose_end_was_lost_ends_200_ms_after_its_last_report() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('5', false, 160));
    scene.hear(1_000, false, &report('5', false, 320));
    let due = scene.now + 200 * MS;
    assert_eq!(scene.told(), "5");
    assert_eq!(scene.receiver.poll_output(), ReceiverOutput::Timeout(Some(due)));
    scene.wait(199 * MS);
    assert_eq!(scene.told(), "");
    scene.wait(MS);
    assert_eq!(scene.told(), "5:40");
    assert_eq!(scene.receiver.poll_output(), ReceiverOutput::Timeout(None));
}

#[test]
fn copies_of_an_old_report_do_not_hold_a_key_down() {
    let mut scene = Scene::new();
    for _ in 0..20 {
        scene.hear(1_000, true, &report('5', false, 160));
    }
    assert_eq!(scene.told(), "5 5:20");
}

#[test]
fn a_key_that_was_given_up_is_not_told_again_when_more_of_it_comes() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('5', false, 160));
    scene.wait(300 * MS);
    for n in 18..25 {
        scene.hear(1_000, false, &report('5', n > 22, 160 * n));
    }
    assert_eq!(scene.told(), "5 5:20");
}

#[test]
fn the_next_key_ends_the_one_before_it() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('1', false, 320));
    scene.hear(1_800, true, &report('2', true, 400));
    assert_eq!(scene.told(), "1 1:40 2 2:50");
}

#[test]
fn order_of_arrival_changes_no_key() {
    // The reports of two keys in every order that moves a packet by up to three places.
    let packets: Vec<(u16, u32, bool, [u8; 4])> = (0..14)
        .map(|n| {
            let (began, key, nth) = if n < 7 { (1_000, '1', n + 1) } else { (2_600, '2', n - 6) };
            (n, began, nth == 1, report(key, nth >= 5, 160 * nth.min(5)))
        })
        .collect();
    for shift in 1..=3 {
        for moved in 0..packets.len() - shift {
            let mut order = packets.clone();
            order[moved..=moved + shift].rotate_left(1);
            let mut scene = Scene::new();
            for (n, began, marker, payload) in &order {
                scene.now += 20 * MS;
                scene.hear_as(*n, *began, *marker, payload);
            }
            scene.wait(200 * MS);
            assert_eq!(scene.told(), "1 1:100 2 2:100", "packet {moved} by {shift}");
        }
    }
}

#[test]
fn a_key_overtaken_whole_by_the_next_is_dropped_and_not_told_in_the_wrong_order() {
    let mut scene = Scene::new();
    scene.hear_as(20, 2_600, true, &report('2', true, 800));
    scene.hear_as(10, 1_000, true, &report('1', true, 800));
    assert_eq!(scene.told(), "2 2:100");
    assert_eq!(scene.receiver.stats().late, 1);
}

#[test]
fn half_an_hour_of_audio_between_two_keys_is_no_reordering() {
    let mut scene = Scene::new();
    scene.hear_key(1_000, '1');
    scene.wait(1_800 * Duration::from_secs(1));
    // 90,000 packets on, which reads as some thousand behind.
    scene.sequence = scene.sequence.wrapping_add((90_000_u32 % 65_536) as u16);
    scene.hear_key(1_000 + 1_800 * 8_000, '2');
    assert_eq!(scene.told(), "1 1:100 2 2:100");
}

#[test]
fn a_key_that_outlasts_the_sixteen_bits_is_one_key() {
    let mut scene = Scene::new();
    let (mut segment, mut left) = (1_000_u32, 200_000_u32);
    for elapsed in (160..=200_000).step_by(160) {
        let into = 1_000 + elapsed - segment;
        if into >= 65_535 {
            scene.hear(segment, false, &report('5', false, 65_535));
            (segment, left) = (segment + 65_535, left - 65_535);
        } else {
            scene.hear(segment, elapsed == 160, &report('5', into == left, into as u16));
        }
    }
    assert_eq!(scene.told(), "5 5:25000");
}

#[test]
fn a_long_key_is_one_key_where_the_full_segments_report_was_lost() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('5', false, 65_400));
    scene.hear(66_535, false, &report('5', false, 100));
    scene.hear(66_535, false, &report('5', true, 800));
    assert_eq!(scene.told(), format!("5 5:{}", 66_335 / 8));
}

#[test]
fn a_segment_of_a_key_that_was_given_up_is_not_told_again() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('5', false, 65_400));
    scene.wait(300 * MS);
    scene.hear(66_535, false, &report('5', false, 2_400));
    scene.hear(66_535, false, &report('5', false, 65_535));
    scene.hear(132_070, false, &report('5', true, 160));
    assert_eq!(scene.told(), "5 5:8175");
}

#[test]
fn several_events_in_a_packet_are_told_one_after_the_other() {
    let mut scene = Scene::new();
    let payload = [report('1', true, 400), report('1', true, 400), report('2', false, 160)].concat();
    scene.hear(1_000, true, &payload);
    scene.hear(1_000, true, &payload);
    let events = scene.events();
    let starts: Vec<_> =
        events.iter().filter(|event| event.edge == Edge::Began).map(|event| (event.digit.key(), event.timestamp.0)).collect();
    assert_eq!(starts, [('1', 1_000), ('1', 1_400), ('2', 1_800)]);
    scene.wait(200 * MS);
    assert_eq!(scene.told(), "2:20");
}

#[test]
fn another_stream_has_other_keys() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('5', false, 160));
    scene.ssrc = 8;
    scene.hear_key(1_000, '5');
    assert_eq!(scene.told(), "5 5:20 5 5:100");
    // A straggler of the old one is known still.
    scene.ssrc = 7;
    scene.hear(1_000, false, &report('5', true, 800));
    assert_eq!(scene.told(), "");
}

#[test]
fn timestamps_that_start_anew_bring_new_keys() {
    let mut scene = Scene::new();
    scene.hear_key(4_000_000_000, '5');
    scene.hear_key(160, '5');
    scene.hear_key(1_760, '5');
    assert_eq!(scene.told(), "5 5:100 5 5:100 5 5:100");
}

#[test]
fn a_sender_that_moves_the_timestamp_within_a_key_presses_it_once() {
    let mut scene = Scene::new();
    for n in 1..=7_u16 {
        let reached = 160 * n.min(5);
        scene.hear(1_000 + 160 * u32::from(n - 1).min(4), n == 1, &report('5', n >= 5, reached));
    }
    let began = scene.events().iter().filter(|event| event.edge == Edge::Began).count();
    assert_eq!(began, 1);
}

#[test]
fn a_flash_is_a_key_and_other_events_are_not() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('!', true, 800));
    scene.hear(9_000, true, &[17, 0x80, 0, 160]);
    assert_eq!(scene.told(), "! !:100");
    assert_eq!(scene.receiver.stats().foreign, 1);
}

#[test]
fn a_payload_that_is_no_row_of_reports_is_counted_and_dropped() {
    let mut scene = Scene::new();
    let payload = [5; 1_460];
    for length in (0..=9).chain([1_457, 1_459]).filter(|length| length % 4 != 0 || *length == 0) {
        scene.hear(1_000, true, &payload[..length]);
    }
    assert_eq!(scene.told(), "");
    assert_eq!(scene.receiver.stats().malformed, 10);
}

#[test]
fn a_flood_is_taken_at_25_keys_a_second_after_a_burst_and_every_key_ends() {
    let mut scene = Scene::new();
    let mut told = 0;
    // Ten seconds of packets with 300 keys each.
    for n in 0..500_u32 {
        let payload: Vec<u8> = (0..300).flat_map(|nth| report(char::from(b'0' + nth as u8 % 10), nth % 3 == 0, 1)).collect();
        scene.hear(n * 1_000, true, &payload);
        let events = scene.events();
        assert!(events.len() <= EVENTS);
        told += events.len();
    }
    scene.wait(200 * MS);
    told += scene.events().len();
    assert_eq!(told as u64, 2 * scene.receiver.stats().keys, "what begins ends");
    assert!((300..=64 + 251).contains(&scene.receiver.stats().keys), "{:?}", scene.receiver.stats());
}

#[test]
fn an_owner_that_does_not_poll_costs_no_memory() {
    let mut scene = Scene::new();
    for n in 0..10_000 {
        scene.wait(100 * MS);
        scene.hear(n * 1_000, true, &report('1', true, 400));
    }
    assert_eq!(scene.receiver.events.len(), EVENTS);
}

#[test]
fn a_key_that_is_down_when_the_stream_ends_is_let_go() {
    let mut scene = Scene::new();
    scene.hear(1_000, true, &report('5', false, 160));
    assert!(scene.now > scene.start);
    scene.receiver.close(scene.now);
    assert_eq!(scene.told(), "5 5:20");
}

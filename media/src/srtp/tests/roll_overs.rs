//! Indices beyond the sixteen bits of a sequence number: under loss, reordering, late joins and long silences.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SUITE: CryptoSuite = CryptoSuite::AesCm128HmacSha1_80;
const PTIME: Duration = Duration::from_millis(20);

#[test]
fn a_stream_rolls_over_while_packets_are_lost_doubled_and_out_of_order_at_the_wrap() {
    let (mut sender, mut receiver) = pair(SUITE);
    let sent: Vec<_> = (65_500..65_600_u32).map(|n| sealed(&mut sender, packet(n as u16))).collect();
    // Every third is lost, the wrap's own packet with it; the others go in pairs turned round.
    let mut order: Vec<usize> = (0..sent.len()).filter(|n| n % 3 != 0).collect();
    order.chunks_mut(5).for_each(<[usize]>::reverse);
    for n in order {
        let clear = packet((65_500 + n as u32) as u16);
        assert_eq!(opened(&mut receiver, &sent[n]), Ok(clear), "packet {n}");
        assert_eq!(opened(&mut receiver, &sent[n]), Err(SrtpError::Replayed), "packet {n}");
    }
}

#[test]
fn a_late_join_behind_the_first_roll_over_is_heard_and_so_is_a_straggler_from_before_it() {
    let (mut sender, mut receiver) = pair(SUITE);
    let mut sent = Vec::new();
    for n in 65_530..65_540_u32 {
        sent.push(sealed(&mut sender, packet(n as u16)));
    }
    assert_eq!(opened(&mut receiver, &sent[8]), Ok(packet(2)));
    assert_eq!(opened(&mut receiver, &sent[5]), Ok(packet(65_535)));
    assert_eq!(opened(&mut receiver, &sent[9]), Ok(packet(3)));
}

#[test]
fn a_stream_joined_at_its_beginning_takes_any_first_sequence_number() {
    for first in [0, 1, 32_767, 32_768, 65_535] {
        let (mut sender, mut receiver) = pair(SUITE);
        assert_eq!(opened(&mut receiver, &sealed(&mut sender, packet(first))), Ok(packet(first)));
        let next = first.wrapping_add(1);
        assert_eq!(opened(&mut receiver, &sealed(&mut sender, packet(next))), Ok(packet(next)));
    }
}

#[test]
fn after_a_silence_in_which_half_a_roll_over_was_lost_the_stream_is_heard_again() {
    let (mut sender, mut receiver) = pair(SUITE);
    let (begin, mut out) = (start(), Vec::new());
    let mut hear = |n: u32, receiver: &mut Receiver, sender: &mut Sender| {
        let sealed = sealed(sender, packet(n as u16));
        receiver.open_rtp(begin + PTIME * n, &sealed, &mut out)
    };
    assert_eq!(hear(0, &mut receiver, &mut sender), Ok(()));
    // The sender went on; thirteen minutes of its packets never came.
    let mut resumed = 40_000;
    (1..resumed).for_each(|n| drop(sealed(&mut sender, packet(n as u16))));
    assert_eq!(hear(resumed, &mut receiver, &mut sender), Ok(()));
    (resumed + 1..resumed + 60_000).for_each(|n| drop(sealed(&mut sender, packet(n as u16))));
    resumed += 60_000;
    assert_eq!(hear(resumed, &mut receiver, &mut sender), Ok(()));
    assert_eq!(hear(resumed + 1, &mut receiver, &mut sender), Ok(()));
}

#[test]
fn a_sender_that_skips_or_repeats_sequence_numbers_never_uses_an_index_twice() {
    let (mut sender, mut keystreams) = (Sender::new(&key(SUITE)), std::collections::HashSet::new());
    for sequence in [5, 5, 4, 40_000, 39_999, 0, 65_535, 65_535, 5] {
        let sealed = sealed(&mut sender, packet(sequence));
        assert!(keystreams.insert(sealed[12..172].to_vec()), "the key stream of {sequence} was used before");
    }
}

#[test]
fn a_new_source_under_the_same_key_begins_with_no_roll_over_and_the_old_one_keeps_its_own() {
    let (mut sender, mut receiver) = pair(SUITE);
    for n in (65_000..65_600_u32).step_by(10) {
        assert!(opened(&mut receiver, &sealed(&mut sender, packet(n as u16))).is_ok());
    }
    assert!(opened(&mut receiver, &sealed(&mut sender, packet_of(Ssrc(2), 9))).is_ok());
    assert!(opened(&mut receiver, &sealed(&mut sender, packet(100))).is_ok());
}

#[test]
fn under_a_new_key_a_stream_is_heard_whether_its_roll_overs_go_on_or_begin_anew() {
    let new = MasterKey::generate(SUITE, &KeySeed::new([43; 32]), 0, 1);
    for goes_on in [true, false] {
        let (mut sender, mut receiver) = pair(SUITE);
        for n in (65_000..4 * 65_536 + 100_u32).step_by(100) {
            assert!(opened(&mut receiver, &sealed(&mut sender, packet(n as u16))).is_ok());
        }
        let (mut sender, mut receiver) = (Sender::new(&new), receiver.successor(&new));
        if goes_on {
            sender.resume(SSRC, 4 * 65_536 + 100, 0);
        }
        for n in 150..200 {
            assert_eq!(opened(&mut receiver, &sealed(&mut sender, packet(n))), Ok(packet(n)), "goes on: {goes_on}");
        }
        let mut stranger = Sender::new(&MasterKey::generate(SUITE, &KeySeed::new([44; 32]), 0, 1));
        assert_eq!(opened(&mut receiver, &sealed(&mut stranger, packet(200))), Err(SrtpError::NotAuthentic));
    }
}

#[test]
fn a_key_serves_two_to_the_forty_eighth_packets_and_two_to_the_thirty_first_reports_and_no_more() {
    for suite in CryptoSuite::ALL {
        let (mut sender, mut receiver) = pair(suite);
        sender.resume(SSRC, MAX_RTP_INDEX - 1, MAX_RTCP_INDEX);
        let mut last = packet(65_535);
        sender.seal_rtp(&mut last).unwrap();
        assert_eq!(sender.seal_rtp(&mut packet(0)), Err(SrtpError::KeyExhausted));
        assert_eq!(opened_rtcp(&mut receiver, &sealed_rtcp(&mut sender)), Ok(compound()));
        assert_eq!(sender.seal_rtcp(&mut compound()), Err(SrtpError::KeyExhausted));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn packets_in_any_order_within_the_window_are_all_heard_once(
        suite in proptest::sample::select(CryptoSuite::ALL.to_vec()), first in 65_300u32..65_536, delays in proptest::collection::vec(0u32..60, 1..300),
    ) {
        let (mut sender, mut receiver) = pair(suite);
        let mut sent: Vec<(u32, u32, Vec<u8>)> = Vec::new();
        for (n, delay) in (0..).zip(&delays) {
            sent.push((n + delay, first + n, sealed(&mut sender, packet((first + n) as u16))));
        }
        // The first comes first: what would come before a stream's first packet has no index.
        sent[0].0 = 0;
        sent.sort_by_key(|(at, n, _)| (*at, *n));
        for (_, n, sealed) in &sent {
            prop_assert_eq!(opened(&mut receiver, sealed), Ok(packet(*n as u16)));
        }
        for (_, _, sealed) in &sent {
            prop_assert_eq!(opened(&mut receiver, sealed), Err(SrtpError::Replayed));
        }
    }
}

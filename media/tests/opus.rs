//! Opus beyond a clean line: what redundancy and extrapolation give back, silence that is not sent, and the far side's wishes.
#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::f64::consts::TAU;
use std::time::Duration;

use audiopus::{Application, Channels};
use media::codec::{Codec, CodecError, Decoder, Encoder, EncoderConfig, OpusSettings, rms_dbfs};
use media::units::SampleRate;

const PTIME: Duration = Duration::from_millis(20);
const RATE: SampleRate = SampleRate::HZ_16000;
const FRAME: usize = 320;

fn encoder(wanted: SampleRate, opus: OpusSettings) -> Encoder {
    Encoder::new(EncoderConfig { codec: Codec::Opus, wanted, ptime: PTIME, opus }).unwrap()
}

fn decoder(wanted: SampleRate) -> Decoder {
    Decoder::new(Codec::Opus, wanted).unwrap()
}

/// A voiced sound whose pitch and vowel wander, so that repeating it is not enough.
fn voice(rate: SampleRate, frames: usize) -> Vec<i16> {
    let mut phase = 0.0;
    let sample = |n: u64| {
        let time = n as f64 / f64::from(rate.hz());
        let pitch = 140.0 + 50.0 * (time * 9.0).sin();
        let centre = 900.0 + 500.0 * (time * 23.0).sin();
        phase += pitch * TAU / f64::from(rate.hz());
        let harmonic = |k: f64| (-((k * pitch - centre) / 300.0).powi(2)).exp() * (k * phase).sin();
        (7_000.0 * (1..=20).map(|k| harmonic(f64::from(k))).sum::<f64>()) as i16
    };
    (0..rate.samples(PTIME) * frames as u64).map(sample).collect()
}

fn noise(samples: usize) -> Vec<i16> {
    let mut state = 7_u32;
    let sample = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 18) as i16 - 8_192
    };
    (0..samples).map(sample).collect()
}

fn packets(encoder: &mut Encoder, samples: &[i16]) -> Vec<Vec<u8>> {
    let frame = encoder.rate().samples(PTIME) as usize;
    let encode = |frame: &[i16]| {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).unwrap();
        payload
    };
    samples.chunks_exact(frame).map(encode).collect()
}

/// Decodes `packets` but those that `lost` names; each gap is concealed before the packet behind it, which may help if `fec`.
fn received(packets: &[Vec<u8>], lost: impl Fn(usize) -> bool, fec: bool) -> (Vec<i16>, u64) {
    let (mut decoder, mut out, mut gap) = (decoder(RATE), Vec::new(), 0);
    for (n, payload) in packets.iter().enumerate() {
        if lost(n) {
            gap += FRAME;
            continue;
        }
        if gap > 0 {
            assert!(decoder.conceal(std::mem::take(&mut gap), fec.then_some(payload), &mut out));
        }
        decoder.decode(payload, &mut out).unwrap();
    }
    (out, decoder.recovered())
}

/// How far `heard` stands above what differs in it from `meant`, in dB, over the frames that `named` names.
fn clearness(meant: &[i16], heard: &[i16], named: impl Fn(usize) -> bool) -> f64 {
    let (mut signal, mut difference) = (0.0, 1.0);
    for (_, (&meant, &heard)) in meant.iter().zip(heard).enumerate().filter(|(n, _)| named(n / FRAME)) {
        signal += f64::from(meant).powi(2);
        difference += (f64::from(meant) - f64::from(heard)).powi(2);
    }
    10.0 * (signal / difference).log10()
}

fn lossy() -> Encoder {
    let mut encoder = encoder(RATE, OpusSettings::default());
    encoder.set_loss(0.15);
    encoder
}

/// The level at one frequency, in dB: that of half a tone's amplitude.
fn level_at(samples: &[i16], hz: f64, rate: SampleRate) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let angle = n as f64 * hz * TAU / f64::from(rate.hz());
        re += f64::from(sample) * angle.cos();
        im += f64::from(sample) * angle.sin();
    }
    10.0 * ((re * re + im * im) / (samples.len() as f64).powi(2)).max(1e-9).log10()
}

#[test]
fn a_lost_packet_comes_back_out_of_the_next_ones_redundancy() {
    let packets = packets(&mut lossy(), &voice(RATE, 150));
    let lost = |n: usize| n % 5 == 3;
    let (clean, none) = received(&packets, |_| false, false);
    let (extrapolated, unused) = received(&packets, lost, false);
    let (recovered, count) = received(&packets, lost, true);
    assert_eq!((none, unused, count), (0, 0, 30 * FRAME as u64));
    assert_eq!((clean.len(), extrapolated.len(), recovered.len()), (150 * FRAME, 150 * FRAME, 150 * FRAME));
    let gain = clearness(&clean, &recovered, lost) - clearness(&clean, &extrapolated, lost);
    assert!(gain > 6.0, "redundancy gives {gain:.1} dB over extrapolation");
}

#[test]
fn of_a_longer_gap_the_last_frame_comes_back() {
    // A tone gives way to another with the first of two lost frames: only redundancy can tell of it.
    let sample = |n: usize| 8_000.0 * (n as f64 * if n < 30 * FRAME { 500.0 } else { 1_100.0 } * TAU / f64::from(RATE.hz())).sin();
    let tones: Vec<i16> = (0..40 * FRAME).map(|n| sample(n) as i16).collect();
    let packets = packets(&mut lossy(), &tones);
    let lost = |n: usize| n == 30 || n == 31;
    let (extrapolated, _) = received(&packets, lost, false);
    let (recovered, count) = received(&packets, lost, true);
    assert_eq!((recovered.len(), count), (40 * FRAME, FRAME as u64));
    // The encoder looks ahead 6.5 ms: what stands behind them in the frame is the lost one's.
    let level = |heard: &[i16], hz| level_at(&heard[31 * FRAME + 120..32 * FRAME], hz, RATE);
    let change = |heard: &[i16]| level(heard, 1_100.0) - level(heard, 500.0);
    assert!(change(&extrapolated) < -10.0, "extrapolated, the old tone goes on: {:.1} dB", change(&extrapolated));
    assert!(change(&recovered) > 10.0, "recovered, the new tone stands {:.1} dB above the old", change(&recovered));
}

#[test]
fn without_a_reported_loss_nothing_is_spent_on_redundancy() {
    let speech = voice(RATE, 50);
    let (_, count) = received(&packets(&mut encoder(RATE, OpusSettings::default()), &speech), |n| n % 5 == 3, true);
    assert_eq!(count, 0, "no loss was reported");
    let mut refused = encoder(RATE, OpusSettings { fec: false, ..OpusSettings::default() });
    refused.set_loss(0.2);
    let (_, count) = received(&packets(&mut refused, &speech), |n| n % 5 == 3, true);
    assert_eq!(count, 0, "the far side makes no use of it");
}

#[test]
fn a_gap_of_any_length_is_filled_to_the_sample() {
    let packets = packets(&mut lossy(), &voice(RATE, 12));
    for rate in [8_000, 12_000, 16_000, 24_000, 48_000].map(|hz| SampleRate::new(hz).unwrap()) {
        for gap in [0, 1, 7, 20, 40, 113, 160, 319, 320, 321, 480, 639, 640, 1_000, 4_801, 96_000] {
            for next in [None, packets.get(10).map(Vec::as_slice), Some(&[][..]), Some(&[0xff, 0xff, 0xff][..])] {
                let (mut decoder, mut out) = (decoder(rate), Vec::new());
                packets[..8].iter().for_each(|payload| decoder.decode(payload, &mut out).unwrap());
                let before = out.len();
                assert!(decoder.conceal(gap, next, &mut out));
                assert_eq!(out.len() - before, gap, "at {rate}");
            }
        }
    }
}

#[test]
fn a_gap_begins_as_what_came_before_and_fades() {
    let packets = packets(&mut lossy(), &voice(RATE, 20));
    let (mut decoder, mut out) = (decoder(RATE), Vec::new());
    packets.iter().for_each(|payload| decoder.decode(payload, &mut out).unwrap());
    let speech = rms_dbfs(&out[15 * FRAME..]);
    let mut gap = Vec::new();
    decoder.conceal(50 * FRAME, None, &mut gap);
    let (first, late) = (rms_dbfs(&gap[..FRAME]), rms_dbfs(&gap[15 * FRAME..16 * FRAME]));
    assert!((first - speech).abs() < 6.0, "speech at {speech:.1} dBFS goes on at {first:.1}");
    assert!(late < speech - 25.0, "300 ms later it stands at {late:.1} dBFS");
}

#[test]
fn before_anything_was_heard_a_gap_is_silence() {
    let mut out = Vec::new();
    assert!(decoder(RATE).conceal(700, None, &mut out));
    assert_eq!(out, [0; 700]);
}

#[test]
fn what_is_no_packet_changes_nothing() {
    let packets = packets(&mut encoder(RATE, OpusSettings::default()), &voice(RATE, 30));
    let (clean, _) = received(&packets, |_| false, false);
    let (mut decoder, mut heard) = (decoder(RATE), Vec::new());
    for payload in &packets {
        for nonsense in [&[][..], &[0x0b], &[0x0b, 0x00], &[0xff, 0x31], &[0x09, 0]] {
            assert_eq!(decoder.decode(nonsense, &mut heard), Err(CodecError::Malformed { codec: Codec::Opus }));
        }
        decoder.decode(payload, &mut heard).unwrap();
    }
    assert!(heard == clean, "the audio is the same to the bit");
}

#[test]
fn after_garbage_that_decodes_speech_is_heard_again() {
    let packets = packets(&mut encoder(RATE, OpusSettings::default()), &voice(RATE, 60));
    let (clean, _) = received(&packets, |_| false, false);
    let garbage: Vec<u8> = noise(400).iter().map(|sample| (sample >> 3) as u8).collect();
    let (mut decoder, mut heard) = (decoder(RATE), Vec::new());
    for length in 3..100 {
        for toc in [0x08, 0x48, 0x78, 0xf8] {
            let _ = decoder.decode(&[&[toc], &garbage[length..2 * length]].concat(), &mut Vec::new());
        }
    }
    packets.iter().for_each(|payload| decoder.decode(payload, &mut heard).unwrap());
    let clear = clearness(&clean, &heard, |n| n >= 20);
    assert!(clear > 15.0, "400 ms later speech stands {clear:.1} dB above what differs");
}

#[test]
fn silence_is_not_sent_where_that_is_agreed_and_a_frame_not_sent_has_a_length() {
    let silence = vec![0; 100 * FRAME];
    let sent = |dtx: bool| {
        let mut encoder = encoder(RATE, OpusSettings { dtx, ..OpusSettings::default() });
        let speech = packets(&mut encoder, &voice(RATE, 10));
        assert!(speech.iter().all(|payload| !payload.is_empty()), "speech is always sent");
        packets(&mut encoder, &silence).iter().filter(|payload| !payload.is_empty()).count()
    };
    assert_eq!(sent(false), 100);
    // Two seconds: the end of the speech, then something every 400 ms.
    assert!((4..=25).contains(&sent(true)), "{} of 100 are sent", sent(true));

    let (mut decoder, mut out) = (decoder(SampleRate::HZ_24000), Vec::new());
    for unsent in [&[0x08][..], &[0x08, 0x00], &[0x78], &[0xf8]] {
        assert_eq!(Decoder::ticks(Codec::Opus, unsent), Some(960));
        decoder.decode(unsent, &mut out).unwrap();
    }
    assert_eq!(out.len(), 4 * 480);
}

#[test]
fn a_stereo_stream_is_heard_with_both_its_sides() {
    let stereo = audiopus::coder::Encoder::new(audiopus::SampleRate::Hz48000, Channels::Stereo, Application::Audio).unwrap();
    let rate = SampleRate::HZ_48000;
    let tone = |hz: f64, n: u64| (8_000.0 * (n as f64 * hz * TAU / 48_000.0).sin()) as i16;
    let sides: Vec<i16> = (0..48_000).flat_map(|n| [tone(500.0, n), tone(1_700.0, n)]).collect();
    let (mut decoder, mut out) = (decoder(rate), Vec::new());
    for frame in sides.chunks(1_920) {
        let mut payload = [0; 1_000];
        let length = stereo.encode(frame, &mut payload).unwrap();
        decoder.decode(&payload[..length], &mut out).unwrap();
    }
    assert_eq!(out.len(), 48_000);
    let level = |hz: f64| level_at(&out[24_000..], hz, rate);
    // Half of each: 4,000 at the peak.
    for side in [500.0, 1_700.0] {
        assert!((level(side) - 20.0 * 2_000_f64.log10()).abs() < 1.5, "{side} Hz stands at {:.1} dB", level(side));
        assert!(level(side) > level(1_100.0) + 30.0);
    }
}

#[test]
fn no_more_is_sent_than_the_far_side_plays() {
    let rate = SampleRate::HZ_48000;
    // The least bandwidth of each mode is told by the first byte (RFC 6716 table 2).
    let widest = |toc: u8| match toc >> 3 {
        0..4 | 16..20 => 4_000,
        4..8 => 6_000,
        8..12 | 20..24 => 8_000,
        12 | 13 | 24..28 => 12_000,
        _ => 20_000,
    };
    for (plays, band) in [(8_000, 4_000), (12_000, 6_000), (16_000, 8_000), (24_000, 12_000), (48_000, 20_000)] {
        let max_playback_rate = SampleRate::new(plays).unwrap();
        let settings = OpusSettings { max_playback_rate, bitrate_bps: 48_000, ..OpusSettings::default() };
        let packets = packets(&mut encoder(rate, settings), &noise(48_000));
        assert!(packets[10..].iter().all(|payload| widest(payload[0]) <= band), "toward {plays} Hz");
        assert!(packets[10..].iter().any(|payload| widest(payload[0]) == band), "toward {plays} Hz all of it is used");
    }
}

#[test]
fn the_bit_rate_is_kept_and_is_constant_where_that_is_asked() {
    for (bitrate_bps, cbr) in [(12_000, false), (24_000, false), (40_000, false), (24_000, true), (16_000, true)] {
        let settings = OpusSettings { bitrate_bps, cbr, ..OpusSettings::default() };
        let lengths: Vec<usize> = packets(&mut encoder(RATE, settings), &voice(RATE, 250)).iter().map(Vec::len).collect();
        let bps = lengths.iter().sum::<usize>() as f64 * 8.0 / 5.0;
        assert!(bps < f64::from(bitrate_bps) * 1.1, "{bitrate_bps} asked, {bps} sent");
        assert_eq!(lengths.iter().all(|&length| length == lengths[0]), cbr, "{settings:?}");
    }
}

#[test]
fn a_payload_fits_into_a_datagram_at_any_rate() {
    let rate = SampleRate::HZ_48000;
    let mut encoder = encoder(rate, OpusSettings { bitrate_bps: 510_000, ..OpusSettings::default() });
    for frame in noise(48_000).chunks_exact(2_880) {
        let mut payload = Vec::new();
        assert!(encoder.encode(frame, &mut payload).unwrap());
        assert!((1..=1_200).contains(&payload.len()), "{} bytes", payload.len());
    }
}

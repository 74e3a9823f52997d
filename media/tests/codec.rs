//! Audio goes through every codec and comes out as audio, and nothing from the wire upsets a decoder.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::f64::consts::TAU;
use std::time::Duration;

use media::codec::{Codec, CodecError, Decoder, Encoder, EncoderConfig, OpusSettings, rms_dbfs};
use media::units::SampleRate;
use proptest::prelude::*;

const PTIME: Duration = Duration::from_millis(20);

/// Every codec with every rate of audio it runs at.
fn all() -> Vec<(Codec, SampleRate)> {
    let rates = [8_000, 12_000, 16_000, 24_000, 48_000].map(|hz| SampleRate::new(hz).unwrap());
    let own = |codec: Codec| (codec, codec.sample_rate());
    let linear = [0, 2, 3, 4].map(|place| own(Codec::L16 { rate: rates[place] }));
    let opus = rates.map(|rate| (Codec::Opus, rate));
    [own(Codec::Pcmu), own(Codec::Pcma), own(Codec::G722)].into_iter().chain(linear).chain(opus).collect()
}

fn encoder(codec: Codec, wanted: SampleRate, opus: OpusSettings) -> Encoder {
    Encoder::new(EncoderConfig { codec, wanted, ptime: PTIME, opus }).unwrap()
}

fn decoder(codec: Codec, wanted: SampleRate) -> Decoder {
    Decoder::new(codec, wanted).unwrap()
}

fn tone(hz: f64, rate: SampleRate, amplitude: f64) -> impl Fn(u64) -> f64 {
    let step = hz * TAU / f64::from(rate.hz());
    move |n| amplitude * (n as f64 * step).sin()
}

/// Something like a voice: a pitch that wanders, its harmonics through two resonances, in syllables.
fn voice(rate: SampleRate, seconds: f64) -> Vec<i16> {
    let mut phase = 0.0;
    let sample = |n: u64| {
        let time = n as f64 / f64::from(rate.hz());
        let pitch = 120.0 + 25.0 * (time * 4.0).sin();
        phase += pitch * TAU / f64::from(rate.hz());
        let loudness = (0.5 - 0.5 * (time * TAU * 3.0).cos()).powi(2);
        let formant = |hz: f64, centre: f64| (-((hz - centre) / 220.0).powi(2)).exp();
        let harmonic = |k: f64| (formant(k * pitch, 500.0) + 0.5 * formant(k * pitch, 1_500.0) + 0.02) * (k * phase).sin();
        (9_000.0 * loudness * (1..=26).map(|k| harmonic(f64::from(k))).sum::<f64>() / 2.0) as i16
    };
    (0..(seconds * f64::from(rate.hz())) as u64).map(sample).collect()
}

/// The payloads of `samples` in frames of 20 ms; nothing where nothing need be sent.
fn packets(encoder: &mut Encoder, samples: &[i16]) -> Vec<Option<Vec<u8>>> {
    let frame = encoder.rate().samples(PTIME) as usize;
    let encode = |frame: &[i16]| {
        let mut payload = Vec::new();
        encoder.encode(frame, &mut payload).unwrap().then_some(payload)
    };
    samples.chunks_exact(frame).map(encode).collect()
}

fn decoded(decoder: &mut Decoder, packets: &[Option<Vec<u8>>]) -> Vec<i16> {
    let mut out = Vec::new();
    packets.iter().flatten().for_each(|payload| decoder.decode(payload, &mut out).unwrap());
    out
}

/// The part of the energy that stands at one frequency, 0 to 1, under a Hann window.
fn share(samples: &[i16], hz: f64, rate: SampleRate) -> f64 {
    let step = TAU / samples.len() as f64;
    let windowed: Vec<f64> = samples.iter().enumerate().map(|(n, &s)| f64::from(s) * (0.5 - 0.5 * (n as f64 * step).cos())).collect();
    let angle = |n: usize| n as f64 * hz * TAU / f64::from(rate.hz());
    let (re, im) = windowed.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, s)| (re + s * angle(n).cos(), im + s * angle(n).sin()));
    let energy: f64 = windowed.iter().map(|s| s * s).sum();
    // A tone through this window gives 1: its mean is a half, its mean square three eighths.
    (re * re + im * im) * 2.0 * 0.375 / 0.25 / (energy * samples.len() as f64)
}

/// The likeness of two stretches of audio, −1 to 1.
fn likeness(a: &[i16], b: &[i16]) -> f64 {
    let product = |a: &[i16], b: &[i16]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

/// How many samples `late` runs behind `early`, up to 20 ms, and how like the two are then.
fn alignment(early: &[i16], late: &[i16], rate: SampleRate) -> (usize, f64) {
    let length = early.len().min(late.len()) - rate.samples(PTIME) as usize;
    let likeness_at = |delay: usize| (delay, likeness(&early[..length], &late[delay..delay + length]));
    (0..rate.samples(PTIME) as usize).map(likeness_at).max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap()
}

#[test]
fn a_tone_comes_through_every_codec_at_its_pitch_and_level() {
    for (codec, rate) in all() {
        for hz in [300.0, 440.0, 1_000.0, 3_000.0] {
            let at = tone(hz, rate, 10_000.0);
            let sent: Vec<i16> = (0..u64::from(rate.hz())).map(|n| at(n) as i16).collect();
            let mut encoder = encoder(codec, rate, OpusSettings::default());
            let mut decoder = decoder(codec, rate);
            assert_eq!((encoder.rate(), decoder.rate()), (rate, rate), "{codec:?}");
            let heard = decoded(&mut decoder, &packets(&mut encoder, &sent));
            assert_eq!(heard.len(), sent.len());
            // The first quarter is the encoder finding its feet.
            let (heard, sent) = (&heard[heard.len() / 4..], &sent[sent.len() / 4..]);
            let (pitch, change) = (share(heard, hz, rate), rms_dbfs(heard) - rms_dbfs(sent));
            assert!(pitch > 0.98, "{codec:?} at {rate}: {pitch:.3} of the energy at {hz} Hz");
            assert!(change.abs() < 1.0, "{codec:?} at {rate}: {hz} Hz changes by {change:.2} dB");
        }
    }
}

#[test]
fn a_voice_comes_through_every_codec_like_itself() {
    for (codec, rate) in all() {
        let sent = voice(rate, 2.0);
        let heard = decoded(&mut decoder(codec, rate), &packets(&mut encoder(codec, rate, OpusSettings::default()), &sent));
        let (delay, like) = alignment(&sent, &heard, rate);
        let floor = match codec {
            Codec::L16 { .. } => 1.0,
            Codec::Opus => 0.9,
            _ => 0.998,
        };
        assert!(like >= floor - 1e-9, "{codec:?} at {rate}: {like:.4} alike after {delay} samples");
        let delay = rate.duration(delay as u64);
        let longest = Duration::from_micros(match codec {
            Codec::Opus => 12_000,
            Codec::G722 => 1_500,
            _ => 0,
        });
        assert!(delay <= longest, "{codec:?} at {rate} delays by {delay:?}");
    }
}

#[test]
fn a_reset_codec_is_as_new() {
    for (codec, rate) in all() {
        let sent = voice(rate, 0.3);
        let (mut encoder, mut decoder) = (encoder(codec, rate, OpusSettings::default()), decoder(codec, rate));
        let first = packets(&mut encoder, &sent);
        let heard = decoded(&mut decoder, &first);
        encoder.encode(&sent[..rate.samples(PTIME) as usize], &mut Vec::new()).unwrap();
        encoder.reset();
        decoder.reset();
        assert_eq!(packets(&mut encoder, &sent), first, "{codec:?} at {rate}");
        assert_eq!(decoded(&mut decoder, &first), heard, "{codec:?} at {rate}");
    }
}

#[test]
fn opus_runs_at_the_next_rate_it_has() {
    for (wanted, rate) in [(8_000, 8_000), (11_000, 12_000), (22_000, 24_000), (32_000, 48_000), (44_100, 48_000)] {
        let wanted = SampleRate::new(wanted).unwrap();
        assert_eq!(decoder(Codec::Opus, wanted).rate().hz(), rate);
        assert_eq!(encoder(Codec::Opus, wanted, OpusSettings::default()).rate().hz(), rate);
    }
}

#[test]
fn opus_takes_frames_of_ten_to_sixty_milliseconds_and_no_others() {
    for (_, rate) in all().into_iter().filter(|(codec, _)| *codec == Codec::Opus) {
        let mut encoder = encoder(Codec::Opus, rate, OpusSettings::default());
        for half_ms in 0..=140 {
            let samples = (rate.hz() / 2_000 * half_ms) as usize;
            let mut payload = vec![1];
            let encoded = encoder.encode(&voice(rate, 0.08)[..samples], &mut payload);
            if [20, 40, 80, 120].contains(&half_ms) {
                assert_eq!(encoded, Ok(true));
                assert_eq!(Decoder::ticks(Codec::Opus, &payload[1..]), Some(u64::from(half_ms) * 24));
            } else {
                assert_eq!(encoded, Err(CodecError::FrameLength { codec: Codec::Opus, samples }));
                assert_eq!(payload, [1]);
            }
        }
    }
}

#[test]
fn a_payload_of_g711_g722_and_l16_lasts_what_its_length_says() {
    let linear = Codec::L16 { rate: SampleRate::HZ_24000 };
    for (codec, samples) in [(Codec::Pcmu, 161), (Codec::Pcma, 161), (Codec::G722, 322)] {
        assert_eq!(Decoder::ticks(codec, &[7; 161]), Some(161));
        let mut out = Vec::new();
        decoder(codec, codec.sample_rate()).decode(&[7; 161], &mut out).unwrap();
        assert_eq!(out.len(), samples, "{codec:?}");
    }
    assert_eq!(Decoder::ticks(linear, &[7; 160]), Some(80));
    assert_eq!(Decoder::ticks(linear, &[7; 161]), None);
    assert_eq!(decoder(linear, linear.sample_rate()).decode(&[7; 161], &mut vec![]), Err(CodecError::Malformed { codec: linear }));
    for (codec, _) in all() {
        assert_eq!(Decoder::ticks(codec, &[]), None, "{codec:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_to_as_many_samples_as_they_say_or_to_none(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6),
        gap in 0_usize..3_000,
    ) {
        for (codec, rate) in all() {
            let mut decoder = decoder(codec, rate);
            let mut out = Vec::new();
            for payload in &payloads {
                let (before, ticks) = (out.len(), Decoder::ticks(codec, payload));
                let samples = ticks.map_or(0, |ticks| ticks * u64::from(rate.hz()) / u64::from(codec.clock_rate().0));
                let decoded = decoder.decode(payload, &mut out);
                prop_assert_eq!(decoded.is_ok(), ticks.is_some() || payload.is_empty() && codec != Codec::Opus);
                prop_assert_eq!((out.len() - before) as u64, samples);
                let before = out.len();
                let concealed = decoder.conceal(gap, Some(payload), &mut out);
                prop_assert_eq!((concealed, out.len() - before), if codec == Codec::Opus { (true, gap) } else { (false, 0) });
            }
        }
    }

    #[test]
    fn opus_framing_is_taken_as_libopus_takes_it(payload in prop::collection::vec(any::<u8>(), 0..80)) {
        // Of code 3 with few frames, where the rules are many.
        let shaped = payload.iter().enumerate().map(|(n, &byte)| match n { 0 => byte | 3, 1 => byte & 0xc3, 2..5 => byte & 0x1f, _ => byte });
        for payload in [payload.clone(), shaped.collect()] {
            let mut library = audiopus::coder::Decoder::new(audiopus::SampleRate::Hz48000, audiopus::Channels::Mono).unwrap();
            let mut out = vec![0_i16; 5_760];
            let packet = audiopus::packet::Packet::try_from(&payload);
            let taken = packet.and_then(|packet| library.decode(Some(packet), (&mut out).try_into()?, false));
            prop_assert_eq!(taken.ok().map(|samples| samples as u64), Decoder::ticks(Codec::Opus, &payload));
        }
    }

    #[test]
    fn any_frame_encodes(samples in prop::collection::vec(any::<i16>(), 0..2_000)) {
        for (codec, rate) in all() {
            let mut encoder = encoder(codec, rate, OpusSettings::default());
            let frame = if codec == Codec::Opus { &samples[..samples.len() / 10 / 48 * 480] } else { &samples[..] };
            let mut payload = Vec::new();
            for frame in frame.chunks(rate.samples(PTIME) as usize / 2) {
                if encoder.encode(frame, &mut payload).is_err() {
                    prop_assert_eq!(codec, Codec::Opus);
                }
            }
        }
    }
}

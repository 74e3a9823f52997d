//! A frame of 20 ms through every codec, both ways, and through the resampler, each against the bare library.
//!
//! The bare library of G.711 is a look-up a sample, of L16 a swap of bytes; G.722 is all ours and has none.

use std::hint::black_box;

use audiopus::coder::{Decoder as BareDecoder, Encoder as BareEncoder};
use audiopus::{Application, Bitrate, Channels};
use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings, g711};
use media::resample::Resampler;
use media::units::SampleRate;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _, WindowFunction};

use crate::measured::Figure;
use crate::speech::{PTIME, payloads, round, speech};
use crate::timing::{alone, duel};
use crate::{gated, recorded};

/// What a frame takes in either direction, of ours and of the bare library.
struct Costs {
    encode: (f64, Option<f64>),
    decode: (f64, Option<f64>),
}

pub(crate) fn measure(figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    for (name, codec) in [("pcmu", Codec::Pcmu), ("pcma", Codec::Pcma)] {
        report(figures, name, name, &g711_costs(codec)?, None);
    }
    report(figures, "g722", "G.722", &g722_costs()?, None);
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000] {
        let kilohertz = rate.hz() / 1_000;
        report(figures, &format!("l16_{kilohertz}k"), &format!("L16 at {kilohertz} kHz"), &l16_costs(rate)?, None);
    }
    for rate in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate::HZ_24000, SampleRate::HZ_48000] {
        let kilohertz = rate.hz() / 1_000;
        let gate = (rate == SampleRate::HZ_24000).then_some(OPUS_DECODE_GATE_NS);
        report(figures, &format!("opus_{kilohertz}k"), &format!("Opus at {kilohertz} kHz"), &opus_costs(rate)?, gate);
    }
    Ok(())
}

fn report(figures: &mut Vec<Figure>, name: &str, what: &str, costs: &Costs, decode_gate: Option<f64>) {
    for (direction, (ours, bare), gate) in [("encode", costs.encode, None), ("decode", costs.decode, decode_gate)] {
        let (name, what) = (format!("{name}_{direction}"), format!("{what}, {direction} a frame of 20 ms"));
        figures.push(Figure { gate, ..recorded(format!("{name}_ns"), format!("{what}, ns"), ours) });
        if let Some(bare) = bare {
            figures.push(recorded(format!("{name}_bare_ns"), format!("{what}, bare library, ns"), bare));
        }
        if let Some(bare) = bare.filter(|_| name.starts_with("opus")) {
            figures.push(gated(format!("{name}_ratio"), format!("{what}, against the bare library"), ours / bare, OPUS_RATIO_GATE));
        }
    }
}

fn g711_costs(codec: Codec) -> anyhow::Result<Costs> {
    let mu = codec == Codec::Pcmu;
    let decode = if mu { g711::decode_ulaw } else { g711::decode_alaw };
    let encode = if mu { g711::encode_ulaw } else { g711::encode_alaw };
    let samples_of: Vec<i16> = (0..=u8::MAX).map(decode).collect();
    let codes_of: Vec<u8> = (0..=u16::MAX).map(|bits| encode(bits.cast_signed())).collect();
    let (frames, packets) = material(codec, SampleRate::HZ_8000)?;
    let (mut next, mut bare) = (round(&frames), vec![0_u8; 160]);
    let bare_encode = move || {
        for (code, sample) in bare.iter_mut().zip(black_box(next())) {
            *code = codes_of.get(usize::from(sample.cast_unsigned())).copied().unwrap_or_default();
        }
        black_box(&bare);
    };
    let encode = duel(our_encode(codec, SampleRate::HZ_8000, &frames)?, bare_encode);
    let (mut next, mut bare) = (round(&packets), vec![0_i16; 160]);
    let bare_decode = move || {
        for (sample, code) in bare.iter_mut().zip(black_box(next())) {
            *sample = samples_of.get(usize::from(*code)).copied().unwrap_or_default();
        }
        black_box(&bare);
    };
    let decode = duel(our_decode(codec, SampleRate::HZ_8000, &packets)?, bare_decode);
    Ok(Costs { encode: (encode.0, Some(encode.1)), decode: (decode.0, Some(decode.1)) })
}

fn g722_costs() -> anyhow::Result<Costs> {
    let (codec, rate) = (Codec::G722, SampleRate::HZ_16000);
    let (frames, packets) = material(codec, rate)?;
    Ok(Costs { encode: (alone(our_encode(codec, rate, &frames)?), None), decode: (alone(our_decode(codec, rate, &packets)?), None) })
}

fn l16_costs(rate: SampleRate) -> anyhow::Result<Costs> {
    let codec = Codec::L16 { rate };
    let (frames, packets) = material(codec, rate)?;
    let length = rate.samples(PTIME) as usize;
    let (mut next, mut bare) = (round(&frames), vec![[0_u8; 2]; length]);
    let bare_encode = move || {
        bare.iter_mut().zip(black_box(next())).for_each(|(bytes, sample)| *bytes = sample.to_be_bytes());
        black_box(&bare);
    };
    let encode = duel(our_encode(codec, rate, &frames)?, bare_encode);
    let (mut next, mut bare) = (round(&packets), vec![0_i16; length]);
    let bare_decode = move || {
        let pairs = black_box(next()).as_chunks::<2>().0;
        bare.iter_mut().zip(pairs).for_each(|(sample, &bytes)| *sample = i16::from_be_bytes(bytes));
        black_box(&bare);
    };
    let decode = duel(our_decode(codec, rate, &packets)?, bare_decode);
    Ok(Costs { encode: (encode.0, Some(encode.1)), decode: (decode.0, Some(decode.1)) })
}

fn opus_costs(rate: SampleRate) -> anyhow::Result<Costs> {
    // What comes from the wire holds all that a far side can say at this bit rate, whatever is made of it here.
    let packets = payloads(Codec::Opus, SampleRate::HZ_48000)?;
    let (frames, _) = material(Codec::Opus, rate)?;
    let library_rate = audiopus::SampleRate::try_from(rate.hz().cast_signed())?;
    let length = rate.samples(PTIME) as usize;

    let mut library = BareEncoder::new(library_rate, Channels::Mono, Application::Voip)?;
    let settings = OpusSettings::default();
    library.set_bitrate(Bitrate::BitsPerSecond(settings.bitrate_bps.cast_signed()))?;
    library.set_complexity(settings.complexity)?;
    let (mut next, mut payload) = (round(&frames), vec![0_u8; 1_275]);
    let bare_encode = move || {
        black_box(library.encode(black_box(next()), &mut payload).expect("a frame of 20 ms"));
    };
    let encode = duel(our_encode(Codec::Opus, rate, &frames)?, bare_encode);

    let mut library = BareDecoder::new(library_rate, Channels::Mono)?;
    let (mut next, mut heard) = (round(&packets), vec![0_i16; length]);
    let bare_decode = move || {
        let packet = black_box(next()).try_into().expect("not empty");
        let output = heard.as_mut_slice().try_into().expect("20 ms");
        black_box(library.decode(Some(packet), output, false).expect("a packet of Opus"));
    };
    let decode = duel(our_decode(Codec::Opus, rate, &packets)?, bare_decode);
    Ok(Costs { encode: (encode.0, Some(encode.1)), decode: (decode.0, Some(decode.1)) })
}

/// A frame of 20 ms from one rate to another.
pub(crate) fn resampling(figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    for (from, to) in [(8_000, 24_000), (24_000, 8_000), (8_000, 16_000), (16_000, 8_000), (16_000, 24_000), (24_000, 16_000)] {
        let (from, to) = (SampleRate::new(from).unwrap_or(SampleRate::HZ_8000), SampleRate::new(to).unwrap_or(SampleRate::HZ_8000));
        let frames: Vec<Vec<i16>> = speech(from).chunks_exact(from.samples(PTIME) as usize).map(<[i16]>::to_vec).collect();
        let (mut next, mut resampler, mut out) = (round(&frames), Resampler::new(from, to), Vec::new());
        let ours = move || {
            out.clear();
            resampler.push(black_box(next()), &mut out);
            black_box(&out);
        };
        let (ours, bare) = duel(ours, bare_resample(from, to)?);
        let (from, to) = (from.hz() / 1_000, to.hz() / 1_000);
        let (name, what) = (format!("resample_{from}k_{to}k"), format!("resample a frame of 20 ms from {from} to {to} kHz"));
        figures.push(recorded(format!("{name}_ns"), format!("{what}, ns"), ours));
        figures.push(recorded(format!("{name}_bare_ns"), format!("{what}, bare library, ns"), bare));
    }
    Ok(())
}

/// The library alone, on samples that it can take as they are: two chunks of 10 ms.
fn bare_resample(from: SampleRate, to: SampleRate) -> anyhow::Result<impl FnMut()> {
    let (rate_in, rate_out) = (from.hz() as usize, to.hz() as usize);
    let mut fft = Fft::<f32>::new_custom(rate_in, rate_out, rate_in / 100, 1, 1, WindowFunction::Blackman, FixedSync::Both)?;
    let samples: Vec<f32> = speech(from).into_iter().take(rate_in / 100).map(|sample| f32::from(sample) / 32_768.0).collect();
    let mut out = vec![0.0_f32; rate_out / 100];
    Ok(move || {
        for _ in 0..2 {
            let (chunk, length) = (samples.len(), out.len());
            let input = InterleavedSlice::new(black_box(&samples), 1, chunk).expect("a chunk");
            let mut output = InterleavedSlice::new_mut(&mut out, 1, length).expect("a chunk");
            fft.process_into_buffer(&input, &mut output, None).expect("chunks of its size");
        }
        black_box(&out);
    })
}

/// Frames of 20 ms, and the packets that hold the same.
type Material = (Vec<Vec<i16>>, Vec<Vec<u8>>);

/// Two seconds of speech.
fn material(codec: Codec, rate: SampleRate) -> anyhow::Result<Material> {
    let frames = speech(rate).chunks_exact(rate.samples(PTIME) as usize).map(<[i16]>::to_vec).collect();
    Ok((frames, payloads(codec, rate)?))
}

fn our_encode(codec: Codec, rate: SampleRate, frames: &[Vec<i16>]) -> anyhow::Result<impl FnMut()> {
    let mut encoder = Encoder::new(EncoderConfig { codec, wanted: rate, ptime: PTIME, opus: OpusSettings::default() })?;
    let (mut next, mut payload) = (round(frames), Vec::new());
    Ok(move || {
        payload.clear();
        encoder.encode(black_box(next()), &mut payload).expect("a frame of 20 ms");
        black_box(&payload);
    })
}

fn our_decode(codec: Codec, rate: SampleRate, packets: &[Vec<u8>]) -> anyhow::Result<impl FnMut()> {
    let mut decoder = Decoder::new(codec, rate)?;
    let (mut next, mut heard) = (round(packets), Vec::new());
    Ok(move || {
        heard.clear();
        decoder.decode(black_box(next()), &mut heard).expect("a payload of the codec");
        black_box(&heard);
    })
}

/// A 20 ms frame to 24 kHz, the rate of most speech models.
const OPUS_DECODE_GATE_NS: f64 = 25_000.0;
/// What may stand around libopus.
const OPUS_RATIO_GATE: f64 = 1.1;

//! No codec allocates for a frame once its buffers have grown, whichever way, lost or not.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::time::Duration;

use allocation_counter::measure;
use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings};
use media::units::SampleRate;

const PTIME: Duration = Duration::from_millis(20);

/// Encodes and decodes `frames` frames; every seventh is lost and concealed, and every hundredth is nonsense besides.
fn run(encoder: &mut Encoder, decoder: &mut Decoder, buffers: &mut (Vec<u8>, Vec<i16>), frames: usize) {
    let (payload, heard) = buffers;
    let length = encoder.rate().samples(PTIME) as usize;
    let mut speech = [0_i16; 960];
    for n in 0..frames {
        // Not silence, and not the same for long.
        speech.iter_mut().enumerate().for_each(|(at, sample)| *sample = ((at * (20 + n % 60)) % 9_000) as i16 - 4_500);
        payload.clear();
        heard.clear();
        if n % 50 == 0 {
            encoder.set_loss(n as f32 % 0.3);
        }
        let sent = encoder.encode(&speech[..length], payload).unwrap();
        if n % 7 == 3 {
            decoder.conceal(length * 2 + 1, Some(payload), heard);
        }
        if n % 100 == 9 {
            let _ = decoder.decode(&[0x0b], heard);
        }
        if sent {
            decoder.decode(payload, heard).unwrap();
        }
    }
}

#[test]
fn no_frame_of_any_codec_allocates() {
    let linear = [8_000, 16_000, 24_000, 48_000].map(|hz| Codec::L16 { rate: SampleRate::new(hz).unwrap() });
    let codecs = [Codec::Pcmu, Codec::Pcma, Codec::G722].into_iter().chain(linear).map(|codec| (codec, codec.sample_rate()));
    let opus = [8_000, 12_000, 16_000, 24_000, 48_000].map(|hz| (Codec::Opus, SampleRate::new(hz).unwrap()));
    for (codec, wanted) in codecs.chain(opus) {
        for dtx in [false, true] {
            let opus = OpusSettings { dtx, ..OpusSettings::default() };
            let mut encoder = Encoder::new(EncoderConfig { codec, wanted, ptime: PTIME, opus }).unwrap();
            let mut decoder = Decoder::new(codec, wanted).unwrap();
            let mut buffers = (Vec::new(), Vec::new());
            run(&mut encoder, &mut decoder, &mut buffers, 20);
            let ran = measure(|| run(&mut encoder, &mut decoder, &mut buffers, 300));
            assert_eq!(ran.count_total, 0, "{codec:?} at {wanted}");
        }
    }
}

//! Whatever payloads come, a codec decodes what it says they last, conceals to the sample, and is not upset by any.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use media::codec::{Codec, Decoder, Encoder, EncoderConfig, OpusSettings};
use media::units::SampleRate;

// The first octet chooses codec and rate. Behind it pieces of the input, each behind an octet with its length and one
// with the gap before it, are payloads.
fuzz_target!(|input: &[u8]| {
    let Some((&choice, mut rest)) = input.split_first() else { return };
    let wanted = [8_000, 12_000, 16_000, 24_000, 48_000][usize::from(choice) % 5];
    let wanted = SampleRate::new(wanted).expect("a rate of audio");
    let codec = match choice >> 5 {
        0 => Codec::Pcmu,
        1 => Codec::Pcma,
        2 => Codec::G722,
        3 => Codec::L16 { rate: wanted },
        _ => Codec::Opus,
    };
    let mut decoder = Decoder::new(codec, wanted).expect("a codec at a rate it has");
    let rate = u64::from(decoder.rate().hz());
    let mut heard = Vec::new();
    while let [length, gap, behind @ ..] = rest {
        let (payload, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        rest = behind;
        heard.clear();
        let gap = usize::from(*gap) * 17;
        let concealed = decoder.conceal(gap, Some(payload), &mut heard);
        assert_eq!((concealed, heard.len()), if codec == Codec::Opus { (true, gap) } else { (false, 0) });
        heard.clear();
        let decoded = decoder.decode(payload, &mut heard);
        let lasts = Decoder::ticks(codec, payload).map(|ticks| ticks * rate / u64::from(codec.clock_rate().0));
        assert_eq!(heard.len() as u64, lasts.unwrap_or_default());
        assert_eq!(decoded.is_ok(), lasts.is_some() || payload.is_empty() && codec != Codec::Opus);
        if choice & 0x10 != 0 {
            decoder.reset();
        }
    }
    // What was heard last is said again.
    let opus = OpusSettings { dtx: choice & 0x08 != 0, complexity: 0, ..OpusSettings::default() };
    let mut encoder = Encoder::new(EncoderConfig { codec, wanted, ptime: Duration::from_millis(20), opus }).expect("as the decoder");
    let mut payload = Vec::new();
    heard.resize(encoder.rate().samples(Duration::from_millis(20)) as usize, 0);
    assert!(encoder.encode(&heard, &mut payload).is_ok());
});

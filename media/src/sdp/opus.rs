//! Parameters of Opus in SDP (RFC 7587 §6.1, §7).

use std::fmt;

use crate::codec::OpusSettings;
use crate::units::SampleRate;

/// What a describer tells of its Opus: what it wants to be sent, and at most sends itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusParameters {
    /// The highest rate that it plays, 8 to 48 kHz: more bandwidth is wasted on it (`maxplaybackrate`).
    pub max_playback_rate: SampleRate,
    /// The highest rate that it captures, 8 to 48 kHz (`sprop-maxcapturerate`).
    pub max_capture_rate: SampleRate,
    /// Bits a second that it takes on average, 6,000 to 510,000; its choice is ours where it names none (`maxaveragebitrate`).
    pub max_average_bitrate_bps: Option<u32>,
    /// It wants a constant bit rate (`cbr`).
    pub cbr: bool,
    /// It makes use of in-band forward error correction (`useinbandfec`).
    pub in_band_fec: bool,
    /// It wants silence left out (`usedtx`).
    pub dtx: bool,
    /// It wants two channels rather than one (`stereo`).
    pub stereo: bool,
}

impl OpusParameters {
    /// Where a describer says nothing (RFC 7587 §6.1).
    pub const UNSAID: Self = Self {
        max_playback_rate: SampleRate::HZ_48000,
        max_capture_rate: SampleRate::HZ_48000,
        max_average_bitrate_bps: None,
        cbr: false,
        in_band_fec: false,
        dtx: false,
        stereo: false,
    };

    /// What we say: the agents' rate and no more, speech in one channel, losses mended, silence sent as long as the peer
    /// does not want it otherwise.
    pub const OURS: Self = Self {
        max_playback_rate: SampleRate::HZ_24000,
        max_capture_rate: SampleRate::HZ_24000,
        max_average_bitrate_bps: Some(32_000),
        cbr: false,
        in_band_fec: true,
        dtx: false,
        stereo: false,
    };

    /// How to encode toward the describer: as `ours` would have it, within what it says of itself.
    #[must_use]
    pub fn limit(&self, ours: OpusSettings) -> OpusSettings {
        OpusSettings {
            bitrate_bps: ours.bitrate_bps.min(self.max_average_bitrate_bps.unwrap_or(u32::MAX)),
            max_playback_rate: ours.max_playback_rate.min(self.max_playback_rate),
            fec: ours.fec && self.in_band_fec,
            dtx: ours.dtx || self.dtx,
            cbr: ours.cbr || self.cbr,
            complexity: ours.complexity,
        }
    }

    /// Reads the parameters of a format; what is unknown or out of its bounds is as unsaid.
    pub(super) fn parse(parameters: &str) -> Self {
        let mut read = Self::UNSAID;
        for parameter in parameters.split(';') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let number = value.trim().parse::<u32>().ok();
            match name.trim().to_ascii_lowercase().as_str() {
                "maxplaybackrate" => read.max_playback_rate = number.and_then(rate).unwrap_or(read.max_playback_rate),
                "sprop-maxcapturerate" => read.max_capture_rate = number.and_then(rate).unwrap_or(read.max_capture_rate),
                "maxaveragebitrate" => read.max_average_bitrate_bps = number.filter(|bps| (6_000..=510_000).contains(bps)),
                "cbr" => read.cbr = number == Some(1),
                "useinbandfec" => read.in_band_fec = number == Some(1),
                "usedtx" => read.dtx = number == Some(1),
                "stereo" => read.stereo = number == Some(1),
                _ => {}
            }
        }
        read
    }
}

/// Any rate may be named; the next below that Opus knows is meant (RFC 6716 §2).
fn rate(hz: u32) -> Option<SampleRate> {
    let known = [48_000, 24_000, 16_000, 12_000, 8_000];
    known.into_iter().find(|known| *known <= hz).and_then(SampleRate::new)
}

impl fmt::Display for OpusParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = |flag: bool| u8::from(flag);
        write!(f, "useinbandfec={};", flag(self.in_band_fec))?;
        write!(f, "maxplaybackrate={};sprop-maxcapturerate={};", self.max_playback_rate.hz(), self.max_capture_rate.hz())?;
        if let Some(bps) = self.max_average_bitrate_bps {
            write!(f, "maxaveragebitrate={bps};")?;
        }
        write!(f, "cbr={};usedtx={};stereo={}", flag(self.cbr), flag(self.dtx), flag(self.stereo))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_the_same() {
        for parameters in [OpusParameters::OURS, OpusParameters::UNSAID, OpusParameters { cbr: true, dtx: true, ..OpusParameters::OURS }] {
            assert_eq!(OpusParameters::parse(&parameters.to_string()), parameters);
        }
    }

    #[test]
    fn the_parameters_of_devices_are_read_in_any_order_case_and_spacing() {
        let read =
            OpusParameters::parse("minptime=10; UseInbandFec=1 ;maxplaybackrate=16000;sprop-stereo=1;maxaveragebitrate=20000;usedtx=1");
        let expected = OpusParameters {
            max_playback_rate: SampleRate::HZ_16000,
            max_average_bitrate_bps: Some(20_000),
            in_band_fec: true,
            dtx: true,
            ..OpusParameters::UNSAID
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_encoded_keeps_within_what_the_far_side_says() {
        let far = OpusParameters::parse("maxplaybackrate=16000;maxaveragebitrate=20000;usedtx=1;cbr=1");
        let expected =
            OpusSettings { bitrate_bps: 20_000, max_playback_rate: SampleRate::HZ_16000, fec: false, dtx: true, cbr: true, complexity: 5 };
        assert_eq!(far.limit(OpusSettings::default()), expected);
        let frugal = OpusSettings { bitrate_bps: 12_000, max_playback_rate: SampleRate::HZ_8000, ..expected };
        assert_eq!(far.limit(frugal), frugal, "and within what is ours");
        assert_eq!(OpusParameters::parse("useinbandfec=1").limit(OpusSettings::default()), OpusSettings::default());
    }

    #[test]
    fn rates_between_those_of_opus_are_the_next_below_and_nonsense_is_as_unsaid() {
        assert_eq!(OpusParameters::parse("maxplaybackrate=44100").max_playback_rate, SampleRate::HZ_24000);
        assert_eq!(OpusParameters::parse("maxplaybackrate=96000").max_playback_rate, SampleRate::HZ_48000);
        for nonsense in [
            "",
            ";;;",
            "maxplaybackrate=0",
            "maxplaybackrate=-1",
            "maxaveragebitrate=1",
            "maxaveragebitrate=4294967295",
            "stereo=2",
            "=",
            "cbr",
        ] {
            assert_eq!(OpusParameters::parse(nonsense), OpusParameters::UNSAID, "{nonsense}");
        }
    }
}

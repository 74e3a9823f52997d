//! What a receiver of Opus says of itself in `a=fmtp` (RFC 7587 §6.1).
//!
//! All of it is a wish about what is sent to it. Left out on purpose: `sprop-*`, which tell of what the describer sends
//! and change nothing here, and `stereo`, since all that is sent is mono.

use std::fmt;

use crate::units::SampleRate;

/// The parameters, with the defaults of §6.1 for what is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusParameters {
    /// The most that it plays.
    pub max_playback_rate: SampleRate,
    /// The most bits a second that it wants on average.
    pub max_average_bitrate_bps: Option<u32>,
    /// Whether it makes use of redundancy.
    pub use_inband_fec: bool,
    /// Whether it would rather be sent nothing in silence.
    pub use_dtx: bool,
    /// Whether it wants a constant bit rate.
    pub cbr: bool,
}

impl Default for OpusParameters {
    fn default() -> Self {
        let max_playback_rate = SampleRate::HZ_48000;
        Self { max_playback_rate, max_average_bitrate_bps: None, use_inband_fec: false, use_dtx: false, cbr: false }
    }
}

impl OpusParameters {
    /// Reads what stands behind the payload type; what is unknown or out of bounds counts as not said.
    #[must_use]
    pub fn parse(fmtp: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in fmtp.split(';').filter_map(|parameter| parameter.split_once('=')) {
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let (flag, number) = (value == "1", value.parse::<u32>().ok());
            match name.as_str() {
                "maxplaybackrate" => read.max_playback_rate = number.and_then(playback_rate).unwrap_or(read.max_playback_rate),
                "maxaveragebitrate" => read.max_average_bitrate_bps = number.filter(|bps| (6_000..=510_000).contains(bps)),
                "useinbandfec" => read.use_inband_fec = flag,
                "usedtx" => read.use_dtx = flag,
                "cbr" => read.cbr = flag,
                _ => {}
            }
        }
        read
    }
}

impl fmt::Display for OpusParameters {
    /// As they stand in SDP; defaults are not said, and with nothing to say there is no line to write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = Some(self.max_playback_rate.hz()).filter(|&hz| hz < SampleRate::HZ_48000.hz());
        let said = [
            ("maxplaybackrate", rate),
            ("maxaveragebitrate", self.max_average_bitrate_bps),
            ("useinbandfec", self.use_inband_fec.then_some(1)),
            ("usedtx", self.use_dtx.then_some(1)),
            ("cbr", self.cbr.then_some(1)),
        ];
        let mut separator = "";
        for (name, value) in said.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            write!(f, "{separator}{name}={value}")?;
            separator = ";";
        }
        Ok(())
    }
}

/// Any rate may be named; one that is odd counts as the next even hundred below it, so that no more is sent than it plays.
fn playback_rate(hz: u32) -> Option<SampleRate> {
    SampleRate::new(hz.min(SampleRate::HZ_48000.hz()) / 100 * 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_receiver_says_is_read_and_written_alike() {
        let said = "maxplaybackrate=16000;maxaveragebitrate=20000;useinbandfec=1;usedtx=1;cbr=1";
        let read = OpusParameters::parse(said);
        let wanted = OpusParameters {
            max_playback_rate: SampleRate::HZ_16000,
            max_average_bitrate_bps: Some(20_000),
            use_inband_fec: true,
            use_dtx: true,
            cbr: true,
        };
        assert_eq!(read, wanted);
        assert_eq!(read.to_string(), said);
    }

    #[test]
    fn what_browsers_say_is_read() {
        let chrome = OpusParameters::parse("minptime=10;useinbandfec=1");
        assert_eq!(chrome, OpusParameters { use_inband_fec: true, ..OpusParameters::default() });
        let loose = OpusParameters::parse(" MaxPlaybackRate = 48000 ; stereo=1; useinbandfec=1;");
        assert_eq!(loose, chrome);
    }

    #[test]
    fn nonsense_counts_as_not_said() {
        for nonsense in ["", ";;=;", "cbr", "cbr=2", "maxaveragebitrate=5999", "maxaveragebitrate=-1", "maxplaybackrate=7999", "usedtx=yes"]
        {
            assert_eq!(OpusParameters::parse(nonsense), OpusParameters::default(), "{nonsense}");
        }
        assert_eq!(OpusParameters::default().to_string(), "");
    }

    #[test]
    fn a_rate_between_those_of_the_codec_is_kept() {
        let rate = |said: &str| OpusParameters::parse(said).max_playback_rate.hz();
        assert_eq!(rate("maxplaybackrate=44100"), 44_100);
        assert_eq!(rate("maxplaybackrate=22050"), 22_000);
        assert_eq!(rate("maxplaybackrate=96000"), 48_000);
    }
}

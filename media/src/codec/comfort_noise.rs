//! Comfort noise toward the caller: what is heard between the agent's words.
//!
//! White noise at −70 dBov (ITU-T G.711 appendix II and RFC 3389 speak of spectra; a line that is never silent is all
//! that is wanted here). Left out on purpose: its description (RFC 3389 payloads, which egress writes).

/// A repeatable source of noise.
#[derive(Clone, Debug)]
pub(crate) struct ComfortNoise {
    state: u32,
}

impl ComfortNoise {
    /// A source whose sequence follows from `seed`.
    pub(crate) const fn new(seed: u32) -> Self {
        // Xorshift stays at zero for ever once there.
        Self { state: if seed == 0 { 0x9e37_79b9 } else { seed } }
    }

    /// The next sample of it.
    pub(crate) fn next_sample(&mut self) -> i16 {
        (((self.next() >> 16) * (2 * PEAK + 1)) >> 16) as i16 - PEAK as i16
    }

    /// White noise with an effective value of one.
    pub(crate) fn next_unit(&mut self) -> f32 {
        // Uniform noise of ±√3.
        (self.next() as i32 as f32) * (3.0_f32.sqrt() / 2_147_483_648.0)
    }

    fn next(&mut self) -> u32 {
        // Marsaglia's xorshift32 (13, 17, 5).
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state
    }
}

/// The loudest sample; uniform noise of ±18 has an effective value of 10.7, −69.7 dBov.
pub(crate) const PEAK: u32 = 18;
/// That level as it is described (RFC 3389 §3.1).
pub(crate) const LEVEL: u8 = 70;
/// That effective value.
pub(crate) const RMS: f32 = 10.7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::g711::Law;
    use crate::codec::rms_dbfs;

    fn second(law: Law, seed: u32) -> Vec<i16> {
        let mut noise = ComfortNoise::new(seed);
        (0..8_000).map(|_| law.decode(law.encode(noise.next_sample()))).collect()
    }

    #[test]
    fn noise_is_audible_to_a_silence_detector_and_hardly_to_an_ear() {
        for law in [Law::Mu, Law::A] {
            let level = rms_dbfs(&second(law, 7));
            assert!((-75.0..=-65.0).contains(&level), "{law:?} at {level} dBov");
        }
    }

    #[test]
    fn the_seed_decides_the_noise() {
        assert_eq!(second(Law::Mu, 7), second(Law::Mu, 7));
        assert_ne!(second(Law::Mu, 7), second(Law::Mu, 8));
    }

    #[test]
    fn a_seed_of_zero_makes_noise_too() {
        assert!(second(Law::Mu, 0).iter().any(|&sample| sample != 0));
    }
}

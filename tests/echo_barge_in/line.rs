//! A telephone that gives back some of what it plays: delay, a small room, noise, and two codecs on the way.

use media::codec::g711::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

use crate::chance::Chance;

/// What comes back, and how.
#[derive(Clone, Debug)]
pub(crate) struct EchoPath {
    pub(crate) delay_ms: u64,
    pub(crate) loss_db: f64,
    pub(crate) way: Way,
    /// Noise of the caller's room, dB of full scale.
    noise_db: f64,
    /// Samples after the delay, and what comes then: the direct sound and a few walls.
    taps: Vec<(usize, f64)>,
}

/// What lies between the gateway and the caller's ear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Linear, all the way.
    Clean,
    /// G.711 both ways, and a speaker that distorts.
    Coded { alaw: bool },
}

/// The line from the gateway's sending to its receiving, a packet at a time.
pub(crate) struct Line {
    path: EchoPath,
    chance: Chance,
    sent: Vec<f64>,
    gain: f64,
    noise: f64,
}

impl EchoPath {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let coded = chance.below(2) == 0;
        let walls = (1..=4).map(|n| ((chance.below(n * 80) + 8) as usize, (chance.part() - 0.5) * 0.8_f64.powi(n as i32)));
        let mut taps: Vec<(usize, f64)> = std::iter::once((0, 1.0)).chain(walls).collect();
        let energy: f64 = taps.iter().map(|(_, gain)| gain * gain).sum();
        taps.iter_mut().for_each(|(_, gain)| *gain /= energy.sqrt());
        Self {
            delay_ms: 20 + chance.below(281),
            loss_db: 20.0 + 10.0 * chance.part(),
            way: if coded { Way::Coded { alaw: chance.below(2) == 0 } } else { Way::Clean },
            noise_db: -75.0 + 20.0 * chance.part(),
            taps,
        }
    }
}

impl Line {
    pub(crate) fn new(path: EchoPath, chance: Chance) -> Self {
        let (gain, noise) = (10_f64.powf(-path.loss_db / 20.0), 10_f64.powf(path.noise_db / 20.0) * 32_768.0 * 12_f64.sqrt());
        Self { path, chance, sent: Vec::new(), gain, noise }
    }

    /// What the far end hears of `samples`: what the reference tap shows.
    pub(crate) fn code(&self, samples: &[i16]) -> Vec<i16> {
        samples.iter().map(|&sample| self.coded(sample)).collect()
    }

    /// Takes a packet as it is sent and gives the one that comes meanwhile, with what the caller says.
    pub(crate) fn trip(&mut self, sent: &[i16], said: &[i16]) -> Vec<i16> {
        let start = self.sent.len();
        let distorts = self.path.way != Way::Clean;
        self.sent.extend(sent.iter().map(|&sample| {
            let sample = f64::from(sample);
            if distorts { (sample / 12_000.0).tanh() * 12_000.0 } else { sample }
        }));
        let delay = self.path.delay_ms as usize * 8;
        let mut came = Vec::with_capacity(said.len());
        for (n, &said) in said.iter().enumerate() {
            let at = start + n;
            let echo =
                |(tap, gain): &(usize, f64)| at.checked_sub(delay + tap).and_then(|at| self.sent.get(at)).map_or(0.0, |sent| sent * gain);
            let echo: f64 = self.path.taps.iter().map(echo).sum();
            let noise = (self.chance.part() - 0.5) * self.noise;
            let sample = echo * self.gain + noise + f64::from(said);
            came.push(self.coded(sample.round().clamp(-32_768.0, 32_767.0) as i16));
        }
        came
    }

    fn coded(&self, sample: i16) -> i16 {
        match self.path.way {
            Way::Clean => sample,
            Way::Coded { alaw: true } => decode_alaw(encode_alaw(sample)),
            Way::Coded { alaw: false } => decode_ulaw(encode_ulaw(sample)),
        }
    }
}

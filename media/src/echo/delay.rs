//! How late what is sent comes back.
//!
//! The shapes of both spectra are correlated at every lag up to half a second, with a memory of two seconds of sound.
//! A lag is believed once it stands out from all others for a sixth of a second; it is kept until another does.

use super::reference::SentHop;
use super::spectrum::Powers;

/// Finds the lag of an echo, in hops.
pub(super) struct DelaySearch {
    /// Mean product of the two shapes at each lag.
    product: [f32; LAGS],
    /// Mean square of the sent shape at each lag,
    sent: [f32; LAGS],
    /// and of the one that came.
    came: f32,
    /// Hops heard.
    hops: f32,
    candidate: usize,
    stood_out: u32,
    lag: Option<usize>,
    recent: Recent,
}

/// The same at the lag alone, over a quarter of a second.
#[derive(Default)]
struct Recent {
    product: f32,
    sent: f32,
    came: f32,
}

impl DelaySearch {
    pub(super) fn new() -> Self {
        Self {
            product: [0.0; LAGS],
            sent: [0.0; LAGS],
            came: 0.0,
            hops: 0.0,
            candidate: 0,
            stood_out: 0,
            lag: None,
            recent: Recent::default(),
        }
    }

    /// Takes a hop that came, and all that may have caused it: the hop sent `lag` hops before it.
    pub(super) fn update(&mut self, shape: &Powers, sent_at: impl Fn(usize) -> SentHop) {
        let own = dot(shape, shape);
        self.hops += 1.0;
        let forget = (1.0 / self.hops).max(FORGET);
        self.came += forget * (own - self.came);
        for (lag, (product, sent)) in self.product.iter_mut().zip(&mut self.sent).enumerate() {
            let hop = sent_at(lag);
            *product += forget * (dot(shape, &hop.shape) - *product);
            *sent += forget * (dot(&hop.shape, &hop.shape) - *sent);
        }
        self.choose();
        if let Some(lag) = self.lag {
            let hop = sent_at(lag);
            let Recent { product, sent, came } = &mut self.recent;
            *product += RECENT * (dot(shape, &hop.shape) - *product);
            *sent += RECENT * (dot(&hop.shape, &hop.shape) - *sent);
            *came += RECENT * (own - *came);
        }
    }

    /// The lag, once it is known.
    pub(super) const fn lag(&self) -> Option<usize> {
        self.lag
    }

    /// How alike what came lately is to what was sent, from −1 to 1; 0 while no lag is known.
    pub(super) fn recent_likeness(&self) -> f32 {
        likeness(self.recent.product, self.recent.sent, self.recent.came)
    }

    fn choose(&mut self) {
        let mut rated = [0.0; LAGS];
        for ((rated, product), sent) in rated.iter_mut().zip(&self.product).zip(&self.sent) {
            *rated = likeness(*product, *sent, self.came);
        }
        let best = rated.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
        let Some((best, likeness)) = best.map(|(lag, likeness)| (lag, *likeness)) else { return };
        let rival = rated.iter().enumerate().filter(|(lag, _)| lag.abs_diff(best) > PEAK).map(|(_, rated)| *rated).fold(0.0, f32::max);
        // The first and the last lag may be the slope of a peak beyond them.
        let inside = best > 0 && best + 1 < LAGS;
        let stands_out = inside && self.hops > FIRST && likeness > ALIKE && likeness - rival > AHEAD;
        if !stands_out || best.abs_diff(self.candidate) > 1 {
            (self.candidate, self.stood_out) = (best, 0);
            return;
        }
        self.stood_out += 1;
        if self.stood_out >= BELIEVED && self.lag.is_none_or(|lag| lag.abs_diff(best) > 1) {
            self.lag = Some(best);
            self.recent = Recent::default();
        }
    }
}

fn dot(one: &Powers, other: &Powers) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn likeness(product: f32, one: f32, other: f32) -> f32 {
    product / (one * other + 1e-12).sqrt()
}

/// Lags that are looked at: 512 ms.
pub(super) const LAGS: usize = 64;
/// One hop in 250: two seconds.
const FORGET: f32 = 0.004;
/// One hop in 32: a quarter of a second.
const RECENT: f32 = 0.03;
/// Hops before anything is believed.
const FIRST: f32 = 24.0;
/// Two voices are alike by 0.1 after a second; a voice and its echo in a noisy room by 0.4 and more.
const ALIKE: f32 = 0.3;
const AHEAD: f32 = 0.1;
/// Lags around the best one that belong to its peak.
const PEAK: usize = 4;
/// Hops for which a lag must stand out.
const BELIEVED: u32 = 20;

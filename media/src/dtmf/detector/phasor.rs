//! Complex numbers, as far as tones need them.

use std::ops::{Add, Mul, Sub};

/// Amplitude and phase of a tone, as one number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Phasor {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Phasor {
    /// Of length 1, at an angle in radians.
    pub(super) fn unit(angle: f64) -> Self {
        let (im, re) = angle.sin_cos();
        Self { re, im }
    }

    pub(super) const fn conj(self) -> Self {
        Self { re: self.re, im: -self.im }
    }

    pub(super) const fn scale(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    /// The square of its length.
    pub(super) const fn power(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    pub(super) fn length(self) -> f64 {
        self.power().sqrt()
    }

    pub(super) fn angle(self) -> f64 {
        self.im.atan2(self.re)
    }
}

impl Add for Phasor {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Phasor {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Mul for Phasor {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

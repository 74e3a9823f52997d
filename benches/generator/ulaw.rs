//! G.711 μ-law to linear by table, independent of the crate that is measured.

/// ITU-T G.711 table 2a, decoder output at 16 bits.
pub(crate) struct Ulaw([i16; 256]);

impl Ulaw {
    pub(crate) fn new() -> Self {
        let mut table = [0; 256];
        for code in 0..=u8::MAX {
            table[usize::from(code)] = linear(code);
        }
        Self(table)
    }

    #[inline]
    pub(crate) fn decode(&self, code: u8) -> i16 {
        self.0[usize::from(code)]
    }
}

fn linear(code: u8) -> i16 {
    let bits = !code;
    let magnitude = ((i16::from(bits & 0x0f) << 3) + BIAS) << ((bits >> 4) & 7);
    if bits & 0x80 == 0 { magnitude - BIAS } else { BIAS - magnitude }
}

/// The bias of 33, at 16 bits.
pub(crate) const BIAS: i16 = 132;

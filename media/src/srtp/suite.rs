//! Crypto suites by their names in SDP (RFC 4568 §6.2, RFC 7714 §14.2).

/// How packets are encrypted and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CryptoSuite {
    /// AES-256 in Galois counter mode, tags of 128 bits.
    AeadAes256Gcm,
    /// AES-128 in Galois counter mode, tags of 128 bits.
    AeadAes128Gcm,
    /// AES-128 in counter mode, HMAC-SHA1 with tags of 80 bits: what every device has.
    AesCm128HmacSha1_80,
    /// The same with tags of 32 bits on RTP, 80 on RTCP: taken, never offered.
    AesCm128HmacSha1_32,
}

impl CryptoSuite {
    /// Every suite that is taken.
    pub const ALL: [Self; 4] = [Self::AeadAes256Gcm, Self::AeadAes128Gcm, Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32];

    /// Every suite that is offered, best first.
    pub const OFFERED: [Self; 3] = [Self::AeadAes256Gcm, Self::AeadAes128Gcm, Self::AesCm128HmacSha1_80];

    /// Its name in SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// The suite of that name, written in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Octets of its master key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 16,
        }
    }

    /// Octets of its master salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => 12,
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 14,
        }
    }
}

//! Settings of RTP: `[rtp]`.

use std::net::{IpAddr, Ipv4Addr};

use media::sdp::{CodecOrder, SrtpPolicy};
use media::srtp::KeySeed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::codecs::CodecNames;
use crate::domain::setting::{SettingFault, advertised_fault, out_of_range};

/// `[rtp]`: which ports carry audio, and from where it is taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RtpConfig {
    /// Address that RTP is bound to. Default `127.0.0.1`.
    pub address: IpAddr,
    /// Address written into session descriptions where it differs from `address`; required when that is a wildcard.
    pub advertised: Option<IpAddr>,
    /// First port of the range, even: RTP takes the even port and RTCP the odd one above. Default 16384, at least 1024.
    pub port_min: u16,
    /// Last port of the range, odd. Default 32767.
    pub port_max: u16,
    /// Seconds that a port rests after its call, so that late packets of the old call meet no new one. Default 30, 0 to 600.
    pub quarantine_s: u16,
    /// Differentiated services code point on RTP; 46 is Expedited Forwarding (RFC 3246). Default 46, 0 to 63.
    pub dscp: u8,
    /// From where RTP is taken. Default `address`.
    pub source: SourceRule,
    /// Whether audio is protected by SRTP, with keys in the session description. Default `off`.
    pub srtp: SrtpRule,
    /// Codecs that are offered and taken, best first; a number may have its own. Default `["pcmu", "pcma"]`.
    pub codecs: CodecNames,
    /// Whose order of codecs an answer follows. Default `offer`.
    pub codec_order: OrderRule,
    /// Whether silence is left out, both ways, between us and far ends that agree to it: comfort noise (RFC 3389) with
    /// codecs of an 8 kHz clock, discontinuous transmission with Opus. Default false: some carriers cut calls that fall silent.
    pub silence_suppression: bool,
}

/// Whether audio is protected by SRTP. The keys travel in SIP: who can read that can read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SrtpRule {
    /// Never; calls that demand it are refused.
    #[default]
    Off,
    /// Where the peer does so too (RFC 8643).
    Optional,
    /// Always; calls without it are refused.
    Required,
}

impl SrtpRule {
    /// As an offer or answer is told; keys are made of the seed.
    #[must_use]
    pub fn policy(self, seed: [u8; 32]) -> SrtpPolicy {
        match self {
            Self::Off => SrtpPolicy::Off,
            Self::Optional => SrtpPolicy::Optional(KeySeed::new(seed)),
            Self::Required => SrtpPolicy::Required(KeySeed::new(seed)),
        }
    }
}

/// Whose order of codecs an answer follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderRule {
    /// The caller's.
    #[default]
    Offer,
    /// The gateway's own.
    Own,
}

impl From<OrderRule> for CodecOrder {
    fn from(rule: OrderRule) -> Self {
        match rule {
            OrderRule::Offer => Self::Offer,
            OrderRule::Own => Self::Own,
        }
    }
}

/// From where RTP is taken, against what the session description says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceRule {
    /// From the address in the description, any port: peers that send and receive on different ports are heard.
    #[default]
    Address,
    /// From the address and the port in the description.
    Exact,
    /// As `address`, and where nothing comes from there, from whoever sends five packets of one stream within 500 ms: for peers
    /// behind a translator that do not know their own address. Without SRTP a stranger who is first may be taken for the peer.
    Learn,
}

impl Default for RtpConfig {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            advertised: None,
            port_min: 16_384,
            port_max: 32_767,
            quarantine_s: 30,
            dscp: 46,
            source: SourceRule::Address,
            srtp: SrtpRule::Off,
            codecs: CodecNames::default(),
            codec_order: OrderRule::Offer,
            silence_suppression: false,
        }
    }
}

impl RtpConfig {
    /// Pairs of ports in the range: as many calls as can have ports at one time.
    #[must_use]
    pub fn pairs(&self) -> u32 {
        (u32::from(self.port_max) + 1).saturating_sub(u32::from(self.port_min)) / 2
    }

    /// The address that peers are told.
    #[must_use]
    pub fn public_address(&self) -> IpAddr {
        self.advertised.unwrap_or(self.address)
    }

    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        faults.extend(out_of_range("port_min", self.port_min, &(1_024..=65_534), "(a port)"));
        if !self.port_min.is_multiple_of(2) {
            let mend = format!("use {}", self.port_min + 1);
            faults.push(SettingFault::new("port_min", self.port_min, "must be even: RTP takes even ports (RFC 3550 §11)", mend));
        }
        if self.port_max.is_multiple_of(2) {
            let mend = format!("use {}", self.port_max.saturating_sub(1));
            faults.push(SettingFault::new("port_max", self.port_max, "must be odd: RTCP takes the port above RTP's", mend));
        }
        if self.port_max < self.port_min {
            let bound = format!("must be above port_min, {}", self.port_min);
            faults.push(SettingFault::new("port_max", self.port_max, bound, "leave at least two ports between them"));
        }
        faults.extend(out_of_range("quarantine_s", self.quarantine_s, &(0..=600), "s"));
        faults.extend(out_of_range("dscp", self.dscp, &(0..=63), "(a code point)"));
        faults.extend(advertised_fault(self.address, self.advertised, "address"));
        faults.extend(self.codecs.faults("codecs"));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_holds_one_pair_for_every_two_ports() {
        assert_eq!(RtpConfig::default().pairs(), 8_192);
        assert_eq!(RtpConfig { port_min: 20_000, port_max: 20_001, ..RtpConfig::default() }.pairs(), 1);
        assert_eq!(RtpConfig { port_min: 65_534, port_max: 1_025, ..RtpConfig::default() }.pairs(), 0);
    }

    #[test]
    fn every_fault_of_the_range_is_named_at_once() {
        let rtp = RtpConfig { port_min: 1_001, port_max: 1_000, dscp: 64, ..RtpConfig::default() };
        let keys: Vec<_> = rtp.faults().into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["port_min", "port_min", "port_max", "port_max", "dscp"]);
    }
}

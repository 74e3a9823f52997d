//! Settings of trunks: `[trunks.<name>]`. The same structure is the resource that an interface writes.

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sip::auth::Account;
use sip::header::{Scheme, Uri};

use crate::call::config::name_fault;
use crate::domain::ids::OrgId;
use crate::domain::network::Network;
use crate::domain::setting::{SettingFault, out_of_range};
use crate::leg::codecs::CodecNames;
use crate::leg::config::{OrderRule, SourceRule, SrtpRule};
use crate::leg::line_rules::LineRules;
use crate::signalling::dialling::Numbering;
use crate::signalling::stir::{SignRule, StirRule};
use crate::signalling::trunks::DigestAlgorithms;

/// One trunk: a carrier, a PBX, a telephone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrunkConfig {
    /// Organisation that the trunk belongs to. Default `org_default`.
    #[serde(skip_serializing)]
    pub org: OrgId,
    /// Whether it is in use. Switched off it is as good as none, and its calls end. Default true.
    pub enabled: bool,

    /// Networks that its calls come from. Default none, at most 256.
    pub addresses: Vec<Network>,
    /// Names in the client certificates that its calls come with, whole and without wildcards (RFC 5922). Default none, at most 32.
    pub tls_names: Vec<String>,
    /// Name under which it proves itself to us by digest; needs `login_password_env`. Default none.
    pub login: Option<String>,
    /// The environment variable with the password of `login`.
    #[serde(skip_serializing)]
    pub login_password_env: Option<String>,
    /// Whether it may register its address under `login`, so that calls to it find the way. Default false.
    pub registers: bool,

    /// By which digest algorithms it may prove its login, in the order of our challenges, and which challenges of its own are answered:
    /// `SHA-256`, `MD5`. Default: for its login as `sip.digest_algorithms` says, of its own any, the strongest first.
    pub digest_algorithms: Option<DigestAlgorithms>,

    /// Where calls go out: a SIP URI with host, and port and transport where they differ. Without it, and without
    /// `registers`, the trunk is for inbound calls alone.
    pub target: Option<String>,
    /// The realm of its challenges; others are never answered.
    pub realm: Option<String>,
    /// Our name in the realm.
    pub username: Option<String>,
    /// The environment variable with our password.
    #[serde(skip_serializing)]
    pub password_env: Option<String>,
    /// Whether we register at `target`, as trunks ask for that only work so. Default false.
    pub register: bool,
    /// Seconds that a registration is asked for. Default 600, 60 to 86 400.
    pub register_expiry_s: u32,
    /// Seconds between two OPTIONS that ask whether `target` is there; 0 never asks. Default 30, at most 3 600.
    pub probe_s: u32,

    /// How numbers are written on it.
    pub numbering: Numbering,
    /// The form in which it wants numbers. Default `e164`.
    pub number_format: NumberFormat,
    /// The number that calls show when nothing else is said; one of `caller_ids`, or the only one. Default none.
    pub caller_id: Option<String>,
    /// Further numbers that calls may show. Default none, at most 1 000.
    pub caller_ids: Vec<String>,
    /// Where the number that calls show stands. Default `from`.
    pub identity: IdentityRule,
    /// Whether calls show no number to whom they call (RFC 3323): From is anonymous, P-Asserted-Identity tells the carrier, and Privacy that it
    /// tells nobody. Default false.
    pub withhold_number: bool,
    /// Whether its word on who calls (P-Asserted-Identity) is taken. Default false.
    pub trusted_identity: bool,
    /// Whether those who call by it must be verified by signature (STIR): `off`, `verify` (what is found stands in the record) or
    /// `require` (others are refused); needs `stir.authorities`. Default `off`.
    pub stir: StirRule,
    /// The most that our signature says of calls that go out by it: `off` (nothing is signed), `a`, `b` or `c`; needs
    /// `stir.certificate`. Default `off`.
    pub sign: SignRule,

    /// Codecs of its calls, best first. Default: those of the number, then of `[rtp]`.
    pub codecs: Option<CodecNames>,
    /// Whose order of codecs decides. Default: that of `[rtp]`.
    pub codec_order: Option<OrderRule>,
    /// Whether audio is protected. Default: as in `[rtp]`.
    pub srtp: Option<SrtpRule>,
    /// Milliseconds of audio in a packet where it does not say, 10 to 60 in steps of 10. Default 20.
    pub ptime_ms: u16,
    /// The most milliseconds of audio in a packet, 10 to 60 in steps of 10. Default 60.
    pub max_ptime_ms: u16,
    /// The address that its session descriptions show. Default: that of `[rtp]`.
    pub advertised: Option<IpAddr>,
    /// From where its RTP is taken. Default: as in `[rtp]`.
    pub source: Option<SourceRule>,
    /// Networks of its media servers beside the address that it signals from. Default none: that address alone. At most 256.
    pub media_networks: Vec<Network>,

    /// Whether its callers hear ringing from us before the answer: 183 with a session description in the place of 180, and RTP from then on
    /// (RFC 3960). For networks that play nothing of their own. Default false.
    pub early_media: bool,

    /// Calls at once, both ways, on each gateway; 0 sets no limit. Default 0, at most 16 000.
    pub max_calls: u32,
    /// New calls a second, both ways, on each gateway; 0 sets no limit. Default 0, at most 10 000.
    pub max_calls_per_second: u32,
    /// What becomes of its wish that we go on with somebody else (REFER). Default `refuse`.
    pub refer: ReferRule,
    /// What it does otherwise than others. Default none.
    pub quirks: Vec<Quirk>,
}

/// Which passwords of a trunk are there, and by what key they are set.
#[derive(Clone, Copy, Debug)]
pub struct Passwords {
    /// Ours in its realm.
    pub own: (&'static str, bool),
    /// The trunk's own, of its login.
    pub login: (&'static str, bool),
}

/// The form in which a trunk wants numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// `+4930901820`.
    #[default]
    E164,
    /// `4930901820`.
    Digits,
    /// As it is dialled in the trunk's own country: `030901820`, `0033…`.
    National,
}

/// Where the number that an outbound call shows stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityRule {
    /// In From.
    #[default]
    From,
    /// In P-Asserted-Identity, with the account's name in From.
    Asserted,
    /// In both.
    Both,
}

/// What becomes of a trunk's wish that we go on with somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferRule {
    /// It is refused.
    #[default]
    Refuse,
    /// We call whom it names, as far as the trunk's organisation may: numbers, and whoever is at the trunk itself.
    Local,
}

/// What a trunk does otherwise than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// It wants `user=phone` behind a number.
    UserPhone,
    /// The number that was called stands in To; the request names the account.
    CalledInTo,
    /// It registers, and wants the number that is called in the request, too, in the place of the contact that it has registered.
    CalledAtContact,
}

impl Default for TrunkConfig {
    fn default() -> Self {
        Self {
            org: OrgId::default_org(),
            enabled: true,
            addresses: Vec::new(),
            tls_names: Vec::new(),
            login: None,
            login_password_env: None,
            registers: false,
            digest_algorithms: None,
            target: None,
            realm: None,
            username: None,
            password_env: None,
            register: false,
            register_expiry_s: 600,
            probe_s: 30,
            numbering: Numbering::default(),
            number_format: NumberFormat::default(),
            caller_id: None,
            caller_ids: Vec::new(),
            identity: IdentityRule::default(),
            withhold_number: false,
            trusted_identity: false,
            stir: StirRule::default(),
            sign: SignRule::default(),
            codecs: None,
            codec_order: None,
            srtp: None,
            ptime_ms: 20,
            max_ptime_ms: 60,
            advertised: None,
            source: None,
            media_networks: Vec::new(),
            early_media: false,
            max_calls: 0,
            max_calls_per_second: 0,
            refer: ReferRule::default(),
            quirks: Vec::new(),
        }
    }
}

impl TrunkConfig {
    /// Where calls go out.
    #[must_use]
    pub fn target_uri(&self) -> Option<Uri> {
        let uri = Uri::parse(self.target.as_deref()?).ok()?;
        (matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) && uri.user().is_none()).then_some(uri)
    }

    /// Whether calls can go out.
    #[must_use]
    pub const fn is_outbound(&self) -> bool {
        self.target.is_some() || self.registers
    }

    /// Whether calls to it name the contact that it has registered (RFC 3261 §16.5), and the number in To alone.
    #[must_use]
    pub fn is_called_by_contact(&self) -> bool {
        self.target.is_none() && !self.quirks.contains(&Quirk::CalledAtContact)
    }

    /// Who we are to it, with this password.
    #[must_use]
    pub fn account(&self, password: &str) -> Option<Account> {
        let account = Account::new(self.realm.as_deref()?, self.username.as_deref()?, password)?;
        Some(match &self.digest_algorithms {
            Some(algorithms) => account.answering(algorithms.algorithms()),
            None => account,
        })
    }

    /// What is agreed with it on audio.
    #[must_use]
    pub fn line(&self) -> LineRules {
        LineRules {
            codecs: self.codecs.clone(),
            codec_order: self.codec_order,
            srtp: self.srtp,
            ptime: Some(Duration::from_millis(self.ptime_ms.into())),
            max_ptime: Some(Duration::from_millis(self.max_ptime_ms.into())),
            advertised: self.advertised,
            source: self.source,
            media_networks: self.media_networks.clone(),
            early_media: self.early_media,
        }
    }

    /// Every setting of the configuration that cannot stand: passwords come from the environment.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        self.faults_with(Passwords {
            own: ("password_env", self.password_env.is_some()),
            login: ("login_password_env", self.login_password_env.is_some()),
        })
    }

    /// Every setting that cannot stand, with these passwords.
    #[must_use]
    pub fn faults_with(&self, passwords: Passwords) -> Vec<SettingFault> {
        let mut faults = self.access_faults(passwords);
        faults.extend(self.number_faults());
        faults.extend(self.media_faults());
        faults.extend(self.digest_algorithms.as_ref().and_then(|algorithms| algorithms.fault("digest_algorithms")));
        faults.extend(
            [
                out_of_range("register_expiry_s", self.register_expiry_s, &(60..=86_400), "s"),
                out_of_range("probe_s", self.probe_s, &(0..=3_600), "s"),
                out_of_range("max_calls", self.max_calls, &(0..=16_000), "calls"),
                out_of_range("max_calls_per_second", self.max_calls_per_second, &(0..=10_000), "calls a second"),
            ]
            .into_iter()
            .flatten(),
        );
        faults
    }

    fn access_faults(&self, Passwords { own: (own_key, own), login: (login_key, login) }: Passwords) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, value: &str, bound: &str, mend: &str| faults.push(SettingFault::new(key, value, bound, mend));
        let goes_with = |key: &str| format!("goes with {key}");
        if self.addresses.len() > 256 {
            fault("addresses", "(set)", "at most 256 entries", "join neighbouring networks into larger ones");
        }
        if self.tls_names.len() > 32 {
            fault("tls_names", "(set)", "at most 32 entries", "use one certificate for all");
        }
        if self.tls_names.iter().any(|name| name.contains('*')) {
            fault("tls_names", "(set)", "must be whole names: a wildcard is nobody's (RFC 5922)", "list each name of the certificates");
        }
        if self.login.is_some() != login {
            fault("login", "(set)", &goes_with(login_key), "set both or neither");
        }
        if self.login.as_deref().is_some_and(|login| name_fault("login", login).is_some()) {
            fault("login", "(set)", "must be 1 to 64 letters, digits or + - . _", "choose another name");
        }
        if self.registers && self.login.is_none() {
            fault("registers", "true", &format!("needs login and {login_key}"), "set them, or registers = false");
        }
        if self.target.is_some() && self.target_uri().is_none() {
            fault("target", "(set)", "must be a SIP URI without a user", "write it as in \"sip:sip.example.com:5060;transport=udp\"");
        }
        let parts = [self.realm.is_some(), self.username.is_some(), own];
        if parts.contains(&true) && parts.contains(&false) {
            fault("realm", "(incomplete)", &goes_with(&format!("username and {own_key}")), "set all three or none");
        }
        if parts.iter().all(|set| *set) && self.account("x").is_none() {
            fault("username", "(set)", "realm and username must be 1 to 256 characters without quotes and backslashes", "correct them");
        }
        if self.register && (self.target.is_none() || self.username.is_none()) {
            fault("register", "true", "needs target and username", "set them, or register = false");
        }
        faults
    }

    fn number_faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        for key in self.numbering.wrong_keys() {
            let mend = "write a calling code such as 49, and prefixes of at most 6 digits";
            faults.push(SettingFault::new(format!("numbering.{key}"), "(set)", "cannot stand", mend));
        }
        if self.caller_ids.len() > 1_000 {
            faults.push(SettingFault::new("caller_ids", self.caller_ids.len(), "at most 1000 entries", "use several trunks"));
        }
        let wrong = |number: &&String| self.numbering.read(number).is_err();
        if self.caller_id.iter().chain(&self.caller_ids).any(|number| wrong(&number)) {
            let mend = "write it with a plus, as in \"+4930901820\"";
            faults.push(SettingFault::new("caller_id", "(set)", "must be a telephone number", mend));
        }
        faults
    }

    fn media_faults(&self) -> Vec<SettingFault> {
        let mut faults: Vec<_> = self.codecs.iter().flat_map(|codecs| codecs.faults("codecs")).collect();
        for (key, value) in [("ptime_ms", self.ptime_ms), ("max_ptime_ms", self.max_ptime_ms)] {
            if !(10..=60).contains(&value) || !value.is_multiple_of(10) {
                faults.push(SettingFault::new(key, value, "must be 10, 20, 30, 40, 50 or 60 ms", "20 is what nearly all speak"));
            }
        }
        if self.advertised.is_some_and(|address| address.is_unspecified() || address.is_multicast()) {
            faults.push(SettingFault::new("advertised", "(set)", "must be a unicast address", "set it as the trunk sees this host"));
        }
        if self.media_networks.len() > 256 {
            let mend = "join neighbouring networks into larger ones";
            faults.push(SettingFault::new("media_networks", self.media_networks.len(), "at most 256 entries", mend));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(trunk: &TrunkConfig) -> Vec<String> {
        trunk.faults().into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn the_defaults_are_within_their_own_bounds() {
        assert_eq!(TrunkConfig::default().faults(), []);
    }

    #[test]
    fn what_belongs_together_is_asked_for_together() {
        let half = TrunkConfig { login: Some("pbx".into()), realm: Some("r".into()), register: true, ..TrunkConfig::default() };
        assert_eq!(keys(&half), ["login", "realm", "register"]);
        let whole = TrunkConfig { registers: true, ..TrunkConfig::default() };
        assert_eq!(keys(&whole), ["registers"]);
    }

    #[test]
    fn a_target_is_a_host_and_no_person() {
        for (target, fine) in [
            ("sip:sip.example.com;transport=tls", true),
            ("sip:192.0.2.1:5080", true),
            ("sip:bob@example.com", false),
            ("tel:+4930901820", false),
        ] {
            let trunk = TrunkConfig { target: Some(target.to_owned()), ..TrunkConfig::default() };
            assert_eq!(trunk.faults().is_empty(), fine, "{target}");
        }
    }
}

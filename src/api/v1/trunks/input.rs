//! What the routes of trunks take: the settings of `[trunks.<name>]`, with passwords in place of the variables that hold them. Their
//! form is checked here, what they mean by the same rules as the configuration's.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::error::ApiError;
use crate::api::v1::tenant::{overlaid, parsed, text};
use crate::domain::redacted::Redacted;
use crate::signalling::trunks::{TrunkConfig, TrunkSecrets};

/// A trunk to make.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct NewTrunk(Map<String, Value>);

/// What to change of a trunk.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct TrunkChange(Map<String, Value>);

impl NewTrunk {
    /// Its name, settings and passwords.
    pub(super) fn read(self) -> Result<(String, TrunkConfig, TrunkSecrets), ApiError> {
        let Self(mut members) = self;
        let name = text(members.remove("name")).unwrap_or_default();
        let secrets = TrunkSecrets {
            password: text(members.remove("password")).map(Redacted::new),
            login_password: text(members.remove("login_password")).map(Redacted::new),
        };
        Ok((name, parsed(members)?, secrets))
    }
}

impl TrunkChange {
    /// The settings and passwords with the change made.
    pub(super) fn over(self, settings: &TrunkConfig, secrets: TrunkSecrets) -> Result<(TrunkConfig, TrunkSecrets), ApiError> {
        let Self(mut members) = self;
        let mut password = |name: &str, before: Option<Redacted<String>>| match members.remove(name) {
            None => before,
            given => text(given).map(Redacted::new),
        };
        let secrets = TrunkSecrets {
            password: password("password", secrets.password),
            login_password: password("login_password", secrets.login_password),
        };
        let org = settings.org.clone();
        Ok((TrunkConfig { org, ..overlaid(settings, members, &["numbering"])? }, secrets))
    }
}

const NETWORKS: Shape = Shape::List { of: &Shape::of(Format::Network), min: 0, max: 256 };
const NUMBER: Shape = Shape::line(1, 32, "+4930901820");
const PTIME: Shape = Shape::Integer { min: 10, max: 60 };
const PASSWORD: &str = "Goes in and never out; null takes it away.";

static NUMBERING: Object = Object {
    name: "Numbering",
    members: &[
        Member::kept(
            "country_code",
            Shape::line(0, 3, "49"),
            "The own country's calling code; without, only numbers with a plus are understood.",
        ),
        Member::kept("international_prefix", Shape::line(0, 6, "00"), "Before a number abroad; `00` when absent."),
        Member::kept("national_prefix", Shape::line(0, 6, "0"), "Before a number within the country; `0` when absent."),
    ],
};

macro_rules! trunk_members {
    ($($first:expr),*) => {
        &[
            $($first,)*
            Member::optional("enabled", Shape::Flag, "Switched off it is as good as none, and its calls end; true when absent."),
            Member::optional("addresses", NETWORKS, "Networks that its calls come from."),
            Member::optional("tls_names", Shape::List { of: &Shape::line(1, 253, "sip.example.com"), min: 0, max: 32 }, "Names in the certificates of its connections."),
            Member::optional("login", Shape::of(Format::TelephonyName), "The name under which it proves itself to us; goes with `login_password`."),
            Member::optional("login_password", Shape::line(1, 128, "a long password"), PASSWORD),
            Member::optional("registers", Shape::Flag, "Whether it may register its address under `login`."),
            Member::optional("digest_algorithms", Shape::List { of: &Shape::Choice(&["SHA-256", "MD5"]), min: 1, max: 2 }, "By which algorithms it may prove its login, in the order of our challenges, and which challenges of its own are answered."),
            Member::optional("target", Shape::line(1, 256, "sip:sip.example.com"), "Where calls go out: a SIP URI without a user."),
            Member::optional("realm", Shape::line(1, 256, "sip.example.com"), "The realm of its challenges; goes with `username` and `password`."),
            Member::optional("username", Shape::line(1, 256, "practice"), "Our name in the realm."),
            Member::optional("password", Shape::line(1, 256, "another long password"), PASSWORD),
            Member::optional("register", Shape::Flag, "Whether we register at `target`."),
            Member::optional("register_expiry_s", Shape::Integer { min: 60, max: 86_400 }, "600 when absent."),
            Member::optional("probe_s", Shape::Integer { min: 0, max: 3_600 }, "Between two OPTIONS that ask whether `target` is there; 0 never asks, 30 when absent."),
            Member::optional("numbering", Shape::Object(&NUMBERING), "How numbers are written on it."),
            Member::optional("number_format", Shape::Choice(&["e164", "digits", "national"]), "The form in which it wants numbers."),
            Member::optional("caller_id", NUMBER, "The number that calls show when nothing else is said."),
            Member::optional("caller_ids", Shape::List { of: &NUMBER, min: 0, max: 1_000 }, "Further numbers that calls may show."),
            Member::optional("identity", Shape::Choice(&["from", "asserted", "both"]), "Where the number that calls show stands."),
            Member::optional("withhold_number", Shape::Flag, "Whether calls show no number to whom they call; the carrier is told it."),
            Member::optional("trusted_identity", Shape::Flag, "Whether its word on who calls is taken."),
            Member::optional("codecs", Shape::List { of: &Shape::line(1, 16, "pcma"), min: 1, max: 8 }, "Best first."),
            Member::optional("codec_order", Shape::Choice(&["offer", "own"]), "Whose order decides."),
            Member::optional("srtp", Shape::Choice(&["off", "optional", "required"]), "Whether audio is protected."),
            Member::optional("ptime_ms", PTIME, "20 when absent."),
            Member::optional("max_ptime_ms", PTIME, "60 when absent."),
            Member::optional("advertised", Shape::of(Format::Address), "The address that its session descriptions show."),
            Member::optional("source", Shape::Choice(&["address", "exact", "learn"]), "From where its RTP is taken."),
            Member::optional("media_networks", NETWORKS, "Networks of its media servers."),
            Member::optional("early_media", Shape::Flag, "Whether its callers hear ringing from us before the answer (183)."),
            Member::optional("max_calls", Shape::Integer { min: 0, max: 16_000 }, "Calls at once, both ways, on each gateway; 0 sets no limit."),
            Member::optional("max_calls_per_second", Shape::Integer { min: 0, max: 10_000 }, "New calls a second, on each gateway; 0 sets no limit."),
            Member::optional("stir", Shape::Choice(&["off", "verify", "require"]), "Whether those who call by it must be verified by signature."),
            Member::optional("sign", Shape::Choice(&["off", "a", "b", "c"]), "The most that our signature says of calls that go out by it."),
            Member::optional("refer", Shape::Choice(&["refuse", "local"]), "What becomes of its wish that we go on with somebody else."),
            Member::optional("quirks", Shape::List { of: &Shape::Choice(&["user_phone", "called_in_to", "called_at_contact"]), min: 0, max: 3 }, "What it does otherwise than others."),
        ]
    };
}

impl Input for NewTrunk {
    const SHAPE: &'static Object = &Object {
        name: "NewTrunk",
        members: trunk_members![Member::required(
            "name",
            Shape::of(Format::TelephonyName),
            "Unique in the organisation, and not to be changed."
        )],
    };
}

impl Input for TrunkChange {
    const SHAPE: &'static Object = &Object { name: "TrunkChange", members: trunk_members![] };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_trunk_has_here_the_settings_that_it_has_in_the_configuration_and_no_others() {
        let configured = serde_json::to_value(TrunkConfig::default()).unwrap();
        let configured: BTreeSet<_> = configured.as_object().unwrap().keys().cloned().collect();
        let here: BTreeSet<_> = TrunkChange::SHAPE.members.iter().map(|member| member.name.to_owned()).collect();
        let secrets = BTreeSet::from(["password".to_owned(), "login_password".to_owned()]);
        assert_eq!(&here - &configured, secrets);
        assert_eq!(&configured - &here, BTreeSet::new());
    }
}

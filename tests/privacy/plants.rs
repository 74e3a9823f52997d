//! What is planted, and must not be found.

use std::net::{IpAddr, Ipv4Addr};

/// All of it, in the shape that is looked for: telephone numbers as digits without the country code.
pub(crate) const SECRETS: &[&str] = &[
    FROM_NUMBER,
    ASSERTED_NUMBER,
    DIALLED_NUMBER,
    UNKNOWN_NUMBER,
    CALLED_NUMBER,
    "ottilie",
    "hagedorn",
    "kleinschmidt",
    CALLER_WORDS,
    "melanoma",
    AGENT_WORDS,
    "chemotherapy",
    "127.77.66.55",
    ASSERTED_HOST,
    "wintergarten-allee 9",
    MEMBER,
    "osterkamp",
    TRUNK_PASSWORD,
    LOGIN_PASSWORD,
    HOOK_TOKEN,
];

/// The caller, in From.
pub(crate) const FROM_NUMBER: &str = "5553141592";
/// The caller, in P-Asserted-Identity.
pub(crate) const ASSERTED_NUMBER: &str = "5552718281";
/// A number with an agent.
pub(crate) const DIALLED_NUMBER: &str = "5551618033";
/// A number that nobody answers.
pub(crate) const UNKNOWN_NUMBER: &str = "5554669201";
/// Somebody whom the gateway is asked to call.
pub(crate) const CALLED_NUMBER: &str = "5555772156";
/// The caller's display name.
pub(crate) const NAME: &str = "Ottilie Hagedorn";
/// A SIP user.
pub(crate) const USER: &str = "frau.kleinschmidt";
/// What the caller is understood to say.
pub(crate) const CALLER_WORDS: &str = "metastatic melanoma";
/// What the agent says.
pub(crate) const AGENT_WORDS: &str = "chemotherapy on thursday";
/// Where the caller lives.
pub(crate) const STREET: &str = "Wintergarten-Allee 9";
/// What stands before the @ of somebody who is invited.
pub(crate) const MEMBER: &str = "wilhelmine.dohle";
/// Their name.
pub(crate) const MEMBER_NAME: &str = "Wilhelmine Osterkamp";
/// Ours in a trunk's realm.
pub(crate) const TRUNK_PASSWORD: &str = "drossel harmonium 42";
/// A trunk's own.
pub(crate) const LOGIN_PASSWORD: &str = "kranich posaune 77";
/// What lets somebody into where a webhook goes.
pub(crate) const HOOK_TOKEN: &str = "sperling-fagott-19";
/// Where the caller calls from: on this machine, yet not where the gateway is.
pub(crate) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 66, 55));
/// The trunk's host, in headers.
pub(crate) const ASSERTED_HOST: &str = "203.0.113.77";

//! Names as carriers make them: two letters for the kind, then 128 bits in hexadecimal.

use media::frame::ItemId;
use sha2::{Digest, Sha256};

use crate::agent::config::AgentConfig;
use crate::domain::ids::CallId;

/// A name of the kind that `prefix` says.
pub(in crate::agent) fn sid(prefix: &str, bits: u128) -> String {
    format!("{prefix}{bits:032x}")
}

/// A call's name under an account. Its bits are the call's, masked by the account's: under another it names no call.
pub(in crate::agent) fn call_sid(account: &str, call: &CallId) -> String {
    sid("CA", call.to_bits() ^ mask(account))
}

/// The call that a carrier's name of it stands for under an account.
pub(in crate::agent) fn call_of_sid(account: &str, text: &str) -> Option<CallId> {
    let hex = text.strip_prefix("CA").filter(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u128::from_str_radix(hex, 16).ok().map(|bits| CallId::from_bits(bits ^ mask(account)))
}

fn mask(account: &str) -> u128 {
    hashed(&["call", account])
}

/// The account of an agent: what it is configured to be, or a name that follows from its URL.
pub(in crate::agent) fn account(config: &AgentConfig) -> String {
    config.account.clone().unwrap_or_else(|| sid("AC", hashed(&["account", &config.url])))
}

/// Of the stream that begins with this item: every connection of a call has a stream of its own.
pub(super) fn stream_bits(call: &CallId, first_item: ItemId) -> u128 {
    hashed(&["stream", call.as_str(), &first_item.0.to_string()])
}

fn hashed(parts: &[&str]) -> u128 {
    let digest = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update([0])).finalize();
    digest.iter().take(16).fold(0, |bits, &byte| bits << 8 | u128::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carriers_name_of_a_call_leads_back_to_it() {
        let call = CallId::random();
        let name = call_sid("AC1", &call);
        assert_eq!(name.len(), 34);
        assert_eq!(call_of_sid("AC1", &name), Some(call));
        for foreign in ["", "CA", "CA00", &name.replace("CA", "MZ"), &format!("{name}0"), "CA+000000000000000000000000000000a"] {
            assert_eq!(call_of_sid("AC1", foreign), None, "{foreign}");
        }
    }

    #[test]
    fn an_account_follows_from_the_url_unless_it_is_named() {
        let plain = AgentConfig::at("wss://a.example/");
        assert_eq!(account(&plain), account(&plain.clone()));
        assert_ne!(account(&plain), account(&AgentConfig::at("wss://b.example/")));
        assert_eq!(account(&AgentConfig { account: Some("AC1".into()), ..plain }), "AC1");
    }
}

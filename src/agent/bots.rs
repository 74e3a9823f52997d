//! Bots that steer their call by their carrier's REST interface: who they are, and which call they mean.
//!
//! Such a bot proves itself by its account and the account's token, which is the key of the agent's configuration
//! (`api_key_env`): with the same token the gateway signs when it calls the bot. An agent without a key has no such way in.

use std::collections::BTreeMap;

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use super::config::{AgentConfig, Protocol};
use super::protocol::{carrier, pass};
use crate::domain::ids::CallId;

pub use super::protocol::DIAL_IN_DOMAIN;

/// The accounts of bots behind Twilio's protocol, and what bots in rooms of Daily's prove themselves by.
#[derive(Debug, Default)]
pub struct BotAccounts {
    accounts: Vec<(BotAccount, SecretString)>,
    /// Of bots in rooms of Daily's.
    rooms: Vec<(RoomBot, SecretString)>,
}

/// A bot in a room that was started for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomBot {
    name: String,
    /// As the agent's configuration lists them.
    transfer_targets: Vec<String>,
}

/// An account that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotAccount {
    name: String,
    /// As the agent's configuration lists them.
    transfer_targets: Vec<String>,
}

impl BotAccounts {
    /// Those of the configured agents; tokens come from the environment.
    #[must_use]
    pub fn of(agents: &BTreeMap<String, AgentConfig>) -> Self {
        let token = |agent: &AgentConfig| std::env::var(agent.api_key_env.as_deref()?).ok().filter(|token| !token.is_empty());
        let of_bot = agents.values().filter(|agent| agent.protocol == Protocol::Twilio);
        let account = |agent: &AgentConfig| BotAccount { name: carrier::account(agent), transfer_targets: agent.transfer_targets.clone() };
        let in_rooms = agents.iter().filter(|(_, agent)| agent.protocol == Protocol::Daily);
        let room = |name: &String, agent: &AgentConfig| RoomBot { name: name.clone(), transfer_targets: agent.transfer_targets.clone() };
        Self {
            accounts: of_bot.filter_map(|agent| Some((account(agent), token(agent)?.into()))).collect(),
            rooms: in_rooms.filter_map(|(name, agent)| Some((room(name, agent), token(agent)?.into()))).collect(),
        }
    }

    /// These, each with its token, which may send callers to `transfer_targets`: for tests.
    #[must_use]
    pub fn with(accounts: impl IntoIterator<Item = (String, SecretString)>, transfer_targets: &[&str]) -> Self {
        let transfer_targets: Vec<_> = transfer_targets.iter().map(|&target| target.to_owned()).collect();
        let account = |name| BotAccount { name, transfer_targets: transfer_targets.clone() };
        Self { accounts: accounts.into_iter().map(|(name, token)| (account(name), token)).collect(), rooms: Vec::new() }
    }

    /// And a bot in a room, whose key starts it: for tests.
    #[must_use]
    pub fn and_room(mut self, name: &str, key: &str, target: &str) -> Self {
        self.rooms.push((RoomBot { name: name.to_owned(), transfer_targets: vec![target.to_owned()] }, key.to_owned().into()));
        self
    }

    /// Which bot was started for a call, by what it was given then.
    #[must_use]
    pub fn prove_in_room(&self, call: &str, given: &str) -> Option<RoomBot> {
        let given = hex::decode(given).ok()?;
        let fits = |key: &SecretString| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes());
            hmac::verify(&key, &pass::of(call), &given).is_ok()
        };
        self.rooms.iter().find(|(_, key)| fits(key)).map(|(bot, _)| bot.clone())
    }

    /// Whose name and token these are; the comparison takes as long for a wrong token as for the right one.
    #[must_use]
    pub fn prove(&self, account: &str, token: &str) -> Option<BotAccount> {
        let mut proved = None;
        for (known, secret) in &self.accounts {
            // By their MACs, which are of one length whatever the tokens are, and are compared in constant time.
            let key = hmac::Key::new(hmac::HMAC_SHA256, known.name.as_bytes());
            let expected = hmac::sign(&key, secret.expose_secret().as_bytes());
            if hmac::verify(&key, token.as_bytes(), expected.as_ref()).is_ok() && known.name == account {
                proved = Some(known.clone());
            }
        }
        proved
    }
}

impl BotAccount {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its agent may send a caller there; what the organisation may call is asked besides.
    #[must_use]
    pub fn may_send_to(&self, target: &str) -> bool {
        self.transfer_targets.iter().any(|listed| listed == target)
    }

    /// The call that a bot of this account names so; what it names for a call of another account is no call at all.
    #[must_use]
    pub fn call(&self, sid: &str) -> Option<CallId> {
        carrier::call_of_sid(&self.name, sid)
    }

    /// The name that a bot of this account is told for a call.
    #[must_use]
    pub fn sid(&self, call: &CallId) -> String {
        carrier::call_sid(&self.name, call)
    }
}

impl RoomBot {
    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it may send a caller there: to what is listed word for word, or to anybody at a host that is listed as `sip:HOST`, since
    /// rooms are made for one call each.
    #[must_use]
    pub fn may_send_to(&self, target: &str) -> bool {
        self.transfer_targets.iter().any(|listed| listed == target || is_at(target, listed))
    }
}

/// Whether a SIP URI with a user is at the host of one that has none. What could be read in two ways is not.
fn is_at(target: &str, listed: &str) -> bool {
    let Some((scheme, host)) = listed.split_once(':') else { return false };
    let Some((user, place)) = target.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':')).and_then(|rest| rest.split_once('@'))
    else {
        return false;
    };
    let ends = place.find([';', ':']).unwrap_or(place.len());
    let clear = !user.is_empty() && !place.contains(['@', '?', '<', '>', ' ']);
    matches!(scheme, "sip" | "sips")
        && clear
        && !host.contains('@')
        && place.get(..ends).is_some_and(|found| found.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_proved_by_its_own_token_alone() {
        let bots = BotAccounts::with([("AC1".to_owned(), "one".into()), ("AC2".to_owned(), "two".into())], &["+49301"]);
        assert_eq!(bots.prove("AC2", "two").map(|account| account.name().to_owned()), Some("AC2".to_owned()));
        for (account, token) in [("AC1", "two"), ("AC1", ""), ("", "one"), ("AC3", "one"), ("AC1", "on")] {
            assert_eq!(bots.prove(account, token), None, "{account} {token}");
        }
        assert_eq!(BotAccounts::default().prove("", ""), None);
        let account = bots.prove("AC1", "one").unwrap();
        assert!(account.may_send_to("+49301") && !account.may_send_to("+493") && !account.may_send_to(""));
    }

    #[test]
    fn a_bot_in_a_room_is_known_for_its_own_call_and_sends_nobody_but_to_its_rooms() {
        let bots = BotAccounts::default().and_room("cloud", "pk", "sip:practice.sip.example");
        let given = hex::encode(pass::sign("pk", "call_1"));
        assert_eq!(bots.prove_in_room("call_1", &given).map(|bot| bot.name().to_owned()), Some("cloud".to_owned()));
        for (call, given) in [("call_2", &*given), ("call_1", ""), ("call_1", "pk"), ("call_1", &hex::encode(pass::sign("pk2", "call_1")))]
        {
            assert_eq!(bots.prove_in_room(call, given), None, "{call} {given}");
        }
        let bot = bots.prove_in_room("call_1", &given).unwrap();
        for fine in ["sip:room.0@practice.sip.example", "sip:room@PRACTICE.sip.example;transport=tcp", "sip:room@practice.sip.example:5060"]
        {
            assert!(bot.may_send_to(fine), "{fine}");
        }
        for foreign in [
            "sip:room@evil.example",
            "sip:@practice.sip.example",
            "sips:room@practice.sip.example",
            "sip:a@evil.example?x=@practice.sip.example",
            "sip:a@practice.sip.example@evil.example",
            "sip:a@practice.sip.example?b@evil.example",
            "sip:a@practice.sip.example.evil.example",
            "+4930901820",
        ] {
            assert!(!bot.may_send_to(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_name_of_a_call_means_nothing_under_another_account() {
        let bots = BotAccounts::with([("AC1".to_owned(), "one".into()), ("AC2".to_owned(), "two".into())], &["+49301"]);
        let (one, two) = (bots.prove("AC1", "one").unwrap(), bots.prove("AC2", "two").unwrap());
        let call = CallId::random();
        assert_eq!(one.call(&one.sid(&call)), Some(call.clone()));
        assert_ne!(two.call(&one.sid(&call)), Some(call));
    }
}

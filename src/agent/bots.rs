//! Bots that steer their call by their carrier's REST interface: who they are, and which call they mean. That they lead it, too, is asked of
//! the call (`call::led`).
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
    accounts: Vec<(String, BotAgent, SecretString)>,
    /// Of bots in rooms of Daily's.
    rooms: Vec<(BotAgent, SecretString)>,
}

/// An agent of the configuration, as far as its bots steer calls.
#[derive(Clone, Debug, PartialEq, Eq)]
struct BotAgent {
    name: String,
    /// As its configuration lists them.
    transfer_targets: Vec<String>,
}

/// A bot in a room that was started for a call: whose it may be, where several agents have one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomBot {
    agents: Vec<BotAgent>,
}

/// An account that was proved, and the agents whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotAccount {
    name: String,
    agents: Vec<BotAgent>,
}

impl BotAccounts {
    /// Those of the configured agents; tokens come from the environment.
    #[must_use]
    pub fn of(agents: &BTreeMap<String, AgentConfig>) -> Self {
        let token = |agent: &AgentConfig| std::env::var(agent.api_key_env.as_deref()?).ok().filter(|token| !token.is_empty());
        let bot = |name: &String, agent: &AgentConfig| BotAgent { name: name.clone(), transfer_targets: agent.transfer_targets.clone() };
        let of = |protocol| agents.iter().filter(move |(_, agent)| agent.protocol == protocol);
        let account = |(name, agent)| Some((carrier::account(agent), bot(name, agent), token(agent)?.into()));
        let room = |(name, agent)| Some((bot(name, agent), token(agent)?.into()));
        Self { accounts: of(Protocol::Twilio).filter_map(account).collect(), rooms: of(Protocol::Daily).filter_map(room).collect() }
    }

    /// An agent, its account and the account's token, and where it may send callers: for tests.
    #[must_use]
    pub fn and_account(mut self, agent: &str, (account, token): (&str, &str), transfer_targets: &[&str]) -> Self {
        let transfer_targets = transfer_targets.iter().map(|&target| target.to_owned()).collect();
        self.accounts.push((account.to_owned(), BotAgent { name: agent.to_owned(), transfer_targets }, token.to_owned().into()));
        self
    }

    /// And a bot in a room, whose key starts it: for tests.
    #[must_use]
    pub fn and_room(mut self, name: &str, key: &str, target: &str) -> Self {
        self.rooms.push((BotAgent { name: name.to_owned(), transfer_targets: vec![target.to_owned()] }, key.to_owned().into()));
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
        let agents: Vec<_> = self.rooms.iter().filter(|(_, key)| fits(key)).map(|(agent, _)| agent.clone()).collect();
        (!agents.is_empty()).then_some(RoomBot { agents })
    }

    /// Whose name and token these are; the comparison takes as long for a wrong token as for the right one.
    #[must_use]
    pub fn prove(&self, account: &str, token: &str) -> Option<BotAccount> {
        let mut agents = Vec::new();
        for (known, agent, secret) in &self.accounts {
            // By their MACs, which are of one length whatever the tokens are, and are compared in constant time.
            let key = hmac::Key::new(hmac::HMAC_SHA256, known.as_bytes());
            let expected = hmac::sign(&key, secret.expose_secret().as_bytes());
            if hmac::verify(&key, token.as_bytes(), expected.as_ref()).is_ok() && known == account {
                agents.push(agent.clone());
            }
        }
        (!agents.is_empty()).then(|| BotAccount { name: account.to_owned(), agents })
    }
}

impl BotAccount {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The agents whose calls it may end.
    #[must_use]
    pub fn agents(&self) -> Vec<String> {
        self.agents.iter().map(|agent| agent.name.clone()).collect()
    }

    /// Those of them that may send a caller there; what the organisation may call is asked besides.
    #[must_use]
    pub fn agents_sending_to(&self, target: &str) -> Vec<String> {
        let sends = |agent: &&BotAgent| agent.transfer_targets.iter().any(|listed| listed == target);
        self.agents.iter().filter(sends).map(|agent| agent.name.clone()).collect()
    }

    /// The call that a bot of this account names so; what it names for a call of another account is no call at all. Whether one of its agents
    /// leads it the call knows.
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
    /// Its name in the configuration: the first, where several agents have one key.
    #[must_use]
    pub fn name(&self) -> &str {
        self.agents.first().map_or("", |agent| &agent.name)
    }

    /// The agents that may send a caller there: to what is listed word for word, or to anybody at a host that is listed as `sip:HOST`, since
    /// rooms are made for one call each.
    #[must_use]
    pub fn agents_sending_to(&self, target: &str) -> Vec<String> {
        let sends = |agent: &&BotAgent| agent.transfer_targets.iter().any(|listed| listed == target || is_at(target, listed));
        self.agents.iter().filter(sends).map(|agent| agent.name.clone()).collect()
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
        let bots = BotAccounts::default().and_account("a", ("AC1", "one"), &["+49301"]).and_account("b", ("AC2", "two"), &["+49301"]);
        assert_eq!(bots.prove("AC2", "two").map(|account| account.name().to_owned()), Some("AC2".to_owned()));
        for (account, token) in [("AC1", "two"), ("AC1", ""), ("", "one"), ("AC3", "one"), ("AC1", "on")] {
            assert_eq!(bots.prove(account, token), None, "{account} {token}");
        }
        assert_eq!(BotAccounts::default().prove("", ""), None);
        let account = bots.prove("AC1", "one").unwrap();
        assert_eq!(account.agents(), ["a"]);
        assert_eq!(["+49301", "+493", ""].map(|target| account.agents_sending_to(target).len()), [1, 0, 0]);
    }

    #[test]
    fn agents_that_share_an_account_or_a_key_are_all_proved_by_it_and_send_callers_each_to_its_own_targets() {
        let bots = BotAccounts::default()
            .and_account("a", ("AC1", "one"), &["+49301"])
            .and_account("b", ("AC1", "one"), &["+49302"])
            .and_account("c", ("AC1", "other"), &["+49302"])
            .and_room("d", "pk", "sip:d.example")
            .and_room("e", "pk", "sip:e.example")
            .and_room("f", "pk2", "sip:e.example");
        let account = bots.prove("AC1", "one").unwrap();
        assert_eq!((account.agents(), account.agents_sending_to("+49302")), (vec!["a".to_owned(), "b".to_owned()], vec!["b".to_owned()]));
        let room = bots.prove_in_room("call_1", &hex::encode(pass::sign("pk", "call_1"))).unwrap();
        assert_eq!(room.agents_sending_to("sip:room@e.example"), ["e"]);
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
            assert_eq!(bot.agents_sending_to(fine), ["cloud"], "{fine}");
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
            assert_eq!(bot.agents_sending_to(foreign), [""; 0], "{foreign}");
        }
    }

    #[test]
    fn a_name_of_a_call_means_nothing_under_another_account() {
        let bots = BotAccounts::default().and_account("a", ("AC1", "one"), &["+49301"]).and_account("b", ("AC2", "two"), &["+49301"]);
        let (one, two) = (bots.prove("AC1", "one").unwrap(), bots.prove("AC2", "two").unwrap());
        let call = CallId::random();
        assert_eq!(one.call(&one.sid(&call)), Some(call.clone()));
        assert_ne!(two.call(&one.sid(&call)), Some(call));
    }
}

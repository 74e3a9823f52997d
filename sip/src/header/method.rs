//! Methods (RFC 3261 §7.1 and the extensions that a trunk may send).

use std::fmt;

/// A method. Names are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Info,
    Message,
    Notify,
    Prack,
    Publish,
    Refer,
    Subscribe,
    Update,
    /// Anything else.
    Unknown,
}

impl Method {
    /// What an endpoint of this crate takes, as the value of Allow.
    pub const ALLOW: &'static str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY";

    pub(crate) fn from_text(text: &str) -> Self {
        Self::NAMED.into_iter().find(|method| method.as_str() == text).unwrap_or(Self::Unknown)
    }

    /// The name on the wire; empty for [`Method::Unknown`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Info => "INFO",
            Self::Message => "MESSAGE",
            Self::Notify => "NOTIFY",
            Self::Prack => "PRACK",
            Self::Publish => "PUBLISH",
            Self::Refer => "REFER",
            Self::Subscribe => "SUBSCRIBE",
            Self::Update => "UPDATE",
            Self::Unknown => "",
        }
    }

    const NAMED: [Self; 14] = [
        Self::Invite,
        Self::Ack,
        Self::Bye,
        Self::Cancel,
        Self::Options,
        Self::Register,
        Self::Info,
        Self::Message,
        Self::Notify,
        Self::Prack,
        Self::Publish,
        Self::Refer,
        Self::Subscribe,
        Self::Update,
    ];
}

/// Methods, as Allow lists them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodSet(u16);

impl MethodSet {
    /// Reads the names; what nobody knows is left out.
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.fold(0, |set, name| set | Self::bit(Method::from_text(name))))
    }

    /// Whether it is among them.
    pub fn contains(self, method: Method) -> bool {
        self.0 & Self::bit(method) != 0
    }

    pub(crate) fn remove(&mut self, method: Method) {
        self.0 &= !Self::bit(method);
    }

    fn bit(method: Method) -> u16 {
        if method == Method::Unknown { 0 } else { 1 << (method as u16) }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_listed_and_no_more() {
        let set = MethodSet::of(["INVITE", "UPDATE", "dance", "prack"].into_iter());
        assert!(set.contains(Method::Invite) && set.contains(Method::Update));
        assert!(!set.contains(Method::Prack) && !set.contains(Method::Unknown));
    }
}

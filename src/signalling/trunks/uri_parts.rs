//! Names and addresses as the parts of a SIP URI that they become (RFC 3261 §19.1.1, §25.1).

/// A user part: names of accounts may hold an address.
pub(super) fn user_part(name: &str) -> String {
    name.replace('%', "%25").replace('@', "%40").replace(' ', "%20")
}

/// A host: an IPv6 address stands in brackets.
pub(crate) fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

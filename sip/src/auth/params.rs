//! `Digest name=value, name="value"` (RFC 3261 §25.1, auth-param): the form that challenges and credentials share.

use crate::message::{is_token, split_outside_quotes, trim};

/// The parameters of a header value of the Digest scheme.
#[derive(Clone, Copy)]
pub(super) struct AuthParams<'a>(&'a str);

impl<'a> AuthParams<'a> {
    /// `None` for another scheme, a parameter that cannot be read, and one that stands twice.
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let (scheme, rest) = trim(value).split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let params = Self(rest);
        let names = || params.iter().map(|param| param.map(|(name, _)| name));
        let mut count = 0;
        for (index, name) in names().enumerate() {
            let name = name?;
            count += 1;
            if count > MAX_PARAMS || names().take(index).flatten().any(|before| before.eq_ignore_ascii_case(name)) {
                return None;
            }
        }
        Some(params)
    }

    /// A value without its quotes, escapes as they are: so they are hashed and given back.
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        self.iter().flatten().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn iter(self) -> impl Iterator<Item = Option<(&'a str, &'a str)>> {
        let mut rest = Some(self.0);
        std::iter::from_fn(move || {
            loop {
                let (param, after) = split_outside_quotes(rest?, b',', false);
                rest = after;
                let param = trim(param);
                if !param.is_empty() {
                    return Some(read(param));
                }
            }
        })
    }
}

fn read(param: &str) -> Option<(&str, &str)> {
    let (name, value) = param.split_once('=')?;
    let (name, value) = (trim(name), trim(value));
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').filter(|text| is_quoted_text(text))?,
        None => Some(value).filter(|value| !value.is_empty() && !value.contains(['"', ' ', '\t']))?,
    };
    is_token(name).then_some((name, value))
}

/// No quote in it but behind a backslash.
fn is_quoted_text(text: &str) -> bool {
    let mut escaped = false;
    let bare_quote = text.bytes().any(|byte| {
        let bare = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        bare
    });
    !bare_quote && !escaped
}

/// The grammar names a dozen.
const MAX_PARAMS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_values_are_read_in_any_case_and_order() {
        let params = AuthParams::parse(r#"digest Realm="a, \"b\"" ,nonce=x,, qop="auth,auth-int""#).unwrap();
        assert_eq!((params.get("realm"), params.get("NONCE"), params.get("qop")), (Some(r#"a, \"b\""#), Some("x"), Some("auth,auth-int")));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in [
            "Basic abc",
            "Digest",
            "Digest realm",
            r#"Digest realm="a"#,
            r#"Digest realm="a" b"#,
            r#"Digest realm="a", REALM="b""#,
            r#"Digest realm="a\""#,
        ] {
            assert!(AuthParams::parse(text).is_none(), "{text}");
        }
    }
}

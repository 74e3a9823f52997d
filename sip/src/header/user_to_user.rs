//! User-to-User (RFC 7433): what one application tells another along with a call.

use super::HeaderError;
use super::params::Params;
use crate::message::{split_outside_quotes, trim};

/// One element. Its content is personal as a rule and does not print.
#[derive(Clone, Copy)]
pub struct UserToUser<'a> {
    /// As written, a quoted string without its quotes.
    pub content: &'a str,
    /// How the content is written; `hex` unless said otherwise.
    pub encoding: &'a str,
    /// For what.
    pub purpose: Option<&'a str>,
}

impl<'a> UserToUser<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (content, params) = split_outside_quotes(text, b';', false);
        let content = trim(content);
        let content = match content.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"').ok_or(HeaderError::Unbalanced)?,
            None => content,
        };
        if content.is_empty() {
            return Err(HeaderError::Syntax);
        }
        let params = Params::parse(params)?;
        Ok(Self { content, encoding: params.value("encoding").unwrap_or("hex"), purpose: params.value("purpose") })
    }
}

impl std::fmt::Debug for UserToUser<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserToUser").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_encoding_and_purpose_are_told_apart() {
        let uui = UserToUser::parse("56a390f3d2b7310023a2;encoding=hex;purpose=isdn-uui").unwrap();
        assert_eq!((uui.content, uui.encoding, uui.purpose), ("56a390f3d2b7310023a2", "hex", Some("isdn-uui")));
        let quoted = UserToUser::parse("\"a;b\"").unwrap();
        assert_eq!((quoted.content, quoted.encoding), ("a;b", "hex"));
        assert!(!format!("{quoted:?}").contains("a;b"));
        assert!(UserToUser::parse("").is_err() && UserToUser::parse("\"open").is_err());
    }
}

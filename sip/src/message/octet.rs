//! Classes of octets (RFC 3261 §25.1) in one table: a class is a bit, and what may stand in a text is looked up and not compared.

/// A set of octets.
#[derive(Clone, Copy)]
pub(crate) struct Class(u8);

impl Class {
    /// `token`.
    pub(crate) const TOKEN: Self = Self(1);
    /// `user`, and what is dialled though the grammar has no place for it: passwords allow a little less, and nobody sends them.
    pub(crate) const USER: Self = Self(1 << 1);
    /// `paramchar` without its escapes.
    pub(crate) const PARAM: Self = Self(1 << 2);
    /// `host`, IPv6 references apart; underscores are not in the grammar but in the field.
    pub(crate) const HOST: Self = Self(1 << 3);
    /// `scheme`, but for its first octet.
    pub(crate) const SCHEME: Self = Self(1 << 4);

    /// Whether the octet is in it.
    pub(crate) fn has(self, octet: u8) -> bool {
        TABLE.get(usize::from(octet)).is_some_and(|classes| classes & self.0 != 0)
    }

    /// Whether all octets of the text are in it.
    pub(crate) fn has_all(self, text: &str) -> bool {
        text.bytes().all(|octet| self.has(octet))
    }
}

static TABLE: [u8; 256] = table();

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling, and an index out of bounds does not compile")]
const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut octet: u8 = 0;
    while octet < 128 {
        let alphanumeric = octet.is_ascii_alphanumeric();
        let unreserved = alphanumeric || matches!(octet, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')');
        let token = alphanumeric || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        let user = unreserved || matches!(octet, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/' | b'#' | b':');
        let param = unreserved || matches!(octet, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$');
        let host = alphanumeric || matches!(octet, b'-' | b'.' | b'_');
        let scheme = alphanumeric || matches!(octet, b'+' | b'-' | b'.');
        table[octet as usize] = bit(token, Class::TOKEN)
            | bit(user, Class::USER)
            | bit(param, Class::PARAM)
            | bit(host, Class::HOST)
            | bit(scheme, Class::SCHEME);
        octet += 1;
    }
    table
}

const fn bit(is_in: bool, class: Class) -> u8 {
    if is_in { class.0 } else { 0 }
}

//! Header names with their compact forms (RFC 3261 §7.3.3, §20, and the extensions that the crate speaks).

use std::fmt;

macro_rules! header_names {
    ($($variant:ident $long:literal $($compact:literal)?),* $(,)?) => {
        /// A header that this crate reads or writes; all others are [`HeaderName::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are those of RFC 3261 §20 and of its extensions")]
        pub enum HeaderName { $($variant,)* Other }

        impl HeaderName {
            /// The long form; empty for [`HeaderName::Other`].
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $long,)* Self::Other => "" }
            }

            fn from_compact(letter: u8) -> Self {
                $($(if $compact.as_bytes() == [letter] { return Self::$variant; })?)*
                Self::Other
            }

            const ALL: &[Self] = &[$(Self::$variant),*];
            const LONG: &[&str] = &[$($long),*];
        }
    };
}

impl HeaderName {
    /// How many there are, [`HeaderName::Other`] among them.
    pub(crate) const COUNT: usize = Self::ALL.len() + 1;

    /// Reads a name in any case and in its compact form.
    pub fn from_text(text: &str) -> Self {
        Self::from_octets(text.as_bytes())
    }

    pub(crate) fn from_octets(octets: &[u8]) -> Self {
        match *octets {
            [] => Self::Other,
            [letter] => Self::from_compact(letter.to_ascii_lowercase()),
            [first, .., last] => {
                let (candidate, long) = BY_SLOT.get(slot(first, last, octets.len())).copied().unwrap_or((Self::Other, ""));
                // Nearly always it is written as here.
                if long.as_bytes() == octets || long.as_bytes().eq_ignore_ascii_case(octets) { candidate } else { Self::Other }
            }
        }
    }
}

/// The place of a long name in [`BY_SLOT`], by its length and its outermost letters. The factors were found by trying, until no two names
/// had one place; should a new name not fit, the table does not compile and others must be found.
const fn slot(first: u8, last: u8, length: usize) -> usize {
    (8 * (first | 0x20) as usize + 27 * (last | 0x20) as usize + 5 * length) % 256
}

static BY_SLOT: [(HeaderName, &str); 256] = by_slot();

#[expect(clippy::indexing_slicing, reason = "evaluated while compiling, and an index out of bounds does not compile")]
const fn by_slot() -> [(HeaderName, &'static str); 256] {
    let mut by_slot = [(HeaderName::Other, ""); 256];
    let mut at = 0;
    while at < HeaderName::ALL.len() {
        let name = HeaderName::LONG[at].as_bytes();
        let slot = slot(name[0], name[name.len() - 1], name.len());
        assert!(by_slot[slot].1.is_empty(), "two names have one place: other factors");
        by_slot[slot] = (HeaderName::ALL[at], HeaderName::LONG[at]);
        at += 1;
    }
    by_slot
}

header_names! {
    Via "Via" "v",
    From "From" "f",
    To "To" "t",
    CallId "Call-ID" "i",
    CSeq "CSeq",
    Contact "Contact" "m",
    MaxForwards "Max-Forwards",
    ContentLength "Content-Length" "l",
    ContentType "Content-Type" "c",
    ContentEncoding "Content-Encoding" "e",
    Route "Route",
    RecordRoute "Record-Route",
    Allow "Allow",
    Supported "Supported" "k",
    Require "Require",
    Unsupported "Unsupported",
    Accept "Accept",
    RetryAfter "Retry-After",
    Timestamp "Timestamp",
    UserAgent "User-Agent",
    Server "Server",
    AllowEvents "Allow-Events" "u",
    ContentDisposition "Content-Disposition",
    Date "Date",
    Diversion "Diversion",
    Event "Event" "o",
    HistoryInfo "History-Info",
    Identity "Identity" "y",
    InfoPackage "Info-Package",
    MinSe "Min-SE",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    Privacy "Privacy",
    RAck "RAck",
    RSeq "RSeq",
    Reason "Reason",
    RecvInfo "Recv-Info",
    ReferSub "Refer-Sub",
    ReferTo "Refer-To" "r",
    ReferredBy "Referred-By" "b",
    Replaces "Replaces",
    SessionExpires "Session-Expires" "x",
    SubscriptionState "Subscription-State",
    UserToUser "User-to-User",
    WwwAuthenticate "WWW-Authenticate",
    Authorization "Authorization",
    ProxyAuthenticate "Proxy-Authenticate",
    ProxyAuthorization "Proxy-Authorization",
    Expires "Expires",
    MinExpires "Min-Expires",
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_any_case_and_in_its_compact_form() {
        assert_eq!(HeaderName::from_text("vIa"), HeaderName::Via);
        assert_eq!(HeaderName::from_text("V"), HeaderName::Via);
        assert_eq!(HeaderName::from_text("M"), HeaderName::Contact);
        assert_eq!(HeaderName::from_text("content-length"), HeaderName::ContentLength);
        assert_eq!(HeaderName::from_text("Viaa"), HeaderName::Other);
        assert_eq!((HeaderName::from_text(""), HeaderName::from_text("z")), (HeaderName::Other, HeaderName::Other));
    }

    #[test]
    fn every_name_is_found_by_its_long_form() {
        for &name in HeaderName::ALL {
            assert_eq!(HeaderName::from_text(&name.as_str().to_ascii_uppercase()), name);
        }
    }
}

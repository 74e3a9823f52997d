//! Header names with their compact forms (RFC 3261 §7.3.3, §20, and the extensions that the crate speaks).

use std::fmt;

macro_rules! header_names {
    ($($variant:ident $long:literal $($compact:literal)?),* $(,)?) => {
        /// A header that this crate reads or writes; all others are [`HeaderName::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are those of RFC 3261 §20 and of its extensions")]
        pub enum HeaderName { $($variant,)* Other }

        impl HeaderName {
            /// Reads a name in any case and in its compact form.
            pub fn from_text(text: &str) -> Self {
                match text.len() {
                    $($(1 if text.eq_ignore_ascii_case($compact) => Self::$variant,)?)*
                    $(length if length == $long.len() && text.eq_ignore_ascii_case($long) => Self::$variant,)*
                    _ => Self::Other,
                }
            }

            /// The long form; empty for [`HeaderName::Other`].
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $long,)* Self::Other => "" }
            }
        }
    };
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
    }
}

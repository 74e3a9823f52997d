//! A URL that a request may go to: `https://host[:port]/path?query`, and nothing that reads as one thing and means another.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;

/// An `https://` or `http://` URL, without user, password and fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HttpsUrl {
    secure: bool,
    host: UrlHost,
    port: u16,
    /// From the first slash on.
    target: String,
}

/// Whom a URL names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UrlHost {
    /// A name, in lower case.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Why a text is no URL that a request may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an absolute https URL with a name or an address, without user and fragment")]
pub struct InvalidUrl;

impl HttpsUrl {
    /// Longest URL, in bytes.
    pub const MAX_LEN: usize = 2_048;

    /// Whether TLS is spoken.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whom it names.
    #[must_use]
    pub const fn host(&self) -> &UrlHost {
        &self.host
    }

    /// Its port, 443 or 80 where it has none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as they stand behind the method.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Host, and port where it is not the scheme's own: the header `Host` (RFC 9110 section 7.2).
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match &self.host {
            UrlHost::Name(name) => name.clone(),
            UrlHost::Address(IpAddr::V4(address)) => address.to_string(),
            UrlHost::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        if self.port == standard_port(self.secure) { host } else { format!("{host}:{}", self.port) }
    }
}

impl FromStr for HttpsUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        if text.len() > Self::MAX_LEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['#', '\\']) {
            return Err(InvalidUrl);
        }
        let uri: Uri = text.parse().map_err(|_| InvalidUrl)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(InvalidUrl),
        };
        let authority = uri.authority().ok_or(InvalidUrl)?;
        if authority.as_str().contains('@') {
            return Err(InvalidUrl);
        }
        let port = match authority.as_str().strip_prefix(authority.host()).ok_or(InvalidUrl)? {
            "" => standard_port(secure),
            written => written.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or(InvalidUrl)?,
        };
        let host = host(authority.host())?;
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        if port == 0 { Err(InvalidUrl) } else { Ok(Self { secure, host, port, target }) }
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.secure { "https" } else { "http" }, self.authority(), self.target)
    }
}

/// Without path and query, which may hold what only its owner should know.
impl fmt::Debug for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpsUrl({}, …)", self.authority())
    }
}

fn host(text: &str) -> Result<UrlHost, InvalidUrl> {
    if let Some(six) = text.strip_prefix('[') {
        let address = six.strip_suffix(']').ok_or(InvalidUrl)?.parse().map_err(|_| InvalidUrl)?;
        return Ok(UrlHost::Address(IpAddr::V6(address)));
    }
    if let Ok(address) = text.parse() {
        return Ok(UrlHost::Address(IpAddr::V4(address)));
    }
    let name = text.to_ascii_lowercase();
    let legal = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // `127.1`, `0x7f.0.0.1` and `2130706433` are addresses to some and names to others.
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if name.len() <= 253 && name.split('.').all(legal) && !numeric { Ok(UrlHost::Name(name)) } else { Err(InvalidUrl) }
}

const fn standard_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reads_back_as_it_was_written() {
        for text in
            ["https://Hooks.example.org/a?b=c%20d", "https://hooks.example.org:8443/", "http://192.0.2.1/x", "https://[2001:db8::1]:444/"]
        {
            let url: HttpsUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text.to_ascii_lowercase());
        }
        let url: HttpsUrl = "https://example.org?x=1".parse().unwrap();
        assert_eq!((url.target(), url.port(), url.authority().as_str()), ("/?x=1", 443, "example.org"));
        assert!(!format!("{url:?}").contains("x=1"));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_url() {
        let texts = [
            "",
            "example.org",
            "/path",
            "ftp://example.org/",
            "wss://example.org/",
            "https://",
            "https://user@example.org/",
            "https://a:b@example.org/",
            "https://example.org:0/",
            "https://example.org:/",
            "https://example.org:99999/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0x7f000001/",
            "https://1.2.3.4.5/",
            "https://exa mple.org/",
            "https://example.org/#x",
            "https://example.org\\@evil.test/",
            "https://bücher.example/",
            "https://-a.example/",
            "https://a..b/",
            "https://example.org./",
            "https://[::1/",
            "https://[fe80::1%25eth0]/",
            "https://_a.example/",
        ];
        for text in texts {
            assert_eq!(text.parse::<HttpsUrl>(), Err(InvalidUrl), "{text}");
        }
        assert!(format!("https://example.org/{}", "a".repeat(2_048)).parse::<HttpsUrl>().is_err());
    }
}

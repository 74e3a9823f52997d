//! Fragments of a description that carry candidates, or a restart of ICE (RFC 8840 §9, as RFC 9725 §4.3 sends them).

use super::webrtc::credentials;
use super::{Attribute, Candidate, IcePassword, SdpError};
use crate::ice::IceCredentials;

/// A fragment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// The credentials that it names; none where it only goes on with those that hold.
    pub credentials: Option<IceCredentials>,
    /// The user fragment, where it names that alone.
    pub ufrag: Option<String>,
    /// Candidates, which are counted and not needed.
    pub candidates: Vec<Candidate>,
    /// No more will follow.
    pub ended: bool,
}

impl Fragment {
    /// Reads a fragment.
    ///
    /// # Errors
    /// When it is beyond a limit, or a line is none of SDP.
    pub fn parse(body: &[u8]) -> Result<Self, SdpError> {
        if body.len() > MAX_LEN {
            return Err(SdpError::TooLong { len: body.len() });
        }
        let text = std::str::from_utf8(body).map_err(|_| SdpError::NotText)?;
        let (mut attributes, mut fragment) = (Vec::new(), Self::default());
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            if index == MAX_LINES {
                return Err(SdpError::TooManyLines);
            }
            match line.trim_end().split_once('=') {
                None if line.trim().is_empty() => {}
                Some(("a", value)) => {
                    let attribute = Attribute::parse(value).ok_or(SdpError::Malformed { line: line_number, kind: 'a' })?;
                    match attribute {
                        Attribute::Candidate(candidate) if fragment.candidates.len() < MAX_CANDIDATES => {
                            fragment.candidates.push(candidate);
                        }
                        Attribute::EndOfCandidates => fragment.ended = true,
                        other => attributes.push(other),
                    }
                }
                // `m=` says to which line what follows belongs: there is one path for all.
                Some((kind, _)) if kind.len() == 1 => {}
                _ => return Err(SdpError::Line { line: line_number }),
            }
        }
        fragment.ufrag =
            attributes.iter().find_map(|attribute| if let Attribute::IceUfrag(ufrag) = attribute { Some(ufrag.clone()) } else { None });
        fragment.credentials = credentials(&attributes);
        Ok(fragment)
    }

    /// Our answer to a restart: what we are to be called by, and where we are.
    #[must_use]
    pub fn answer(ours: &IceCredentials, candidates: impl Iterator<Item = Candidate>, mid: &str) -> String {
        let password: &IcePassword = &ours.password;
        let mut text =
            format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\n", ours.ufrag, password.expose());
        for candidate in candidates {
            text.push_str(&format!("a=candidate:{candidate}\r\n"));
        }
        text.push_str("a=end-of-candidates\r\n");
        text
    }
}

/// Octets of a fragment.
const MAX_LEN: usize = 16_384;
/// Lines of a fragment.
const MAX_LINES: usize = 128;
/// As many as are taken from a peer; MS-ICE2 has the same bound.
const MAX_CANDIDATES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_with_a_candidate_of_multicast_dns_is_read_and_its_name_is_nobodys_to_look_up() {
        let text = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
                    a=candidate:1387637174 1 udp 2122260223 0b1c2d3e-aaaa.local 61764 typ host generation 0 ufrag EsAw network-id 1\r\n\
                    a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host\r\na=end-of-candidates\r\n";
        let fragment = Fragment::parse(text.as_bytes()).unwrap();
        assert_eq!((fragment.candidates.len(), fragment.ended), (2, true));
        assert!(fragment.candidates[0].socket().is_none());
        assert_eq!(fragment.credentials.unwrap().ufrag, "EsAw");
    }

    #[test]
    fn a_fragment_without_a_password_restarts_nothing() {
        let fragment = Fragment::parse(b"a=ice-ufrag:EsAw\r\na=end-of-candidates\r\n").unwrap();
        assert_eq!((fragment.credentials, fragment.ufrag.as_deref()), (None, Some("EsAw")));
        assert_eq!(Fragment::parse(b"").unwrap(), Fragment::default());
    }

    #[test]
    fn what_is_none_is_refused() {
        assert!(Fragment::parse(b"{}").is_err());
        assert!(Fragment::parse(&[0xff; 4]).is_err());
        assert!(Fragment::parse(&[b'a'; MAX_LEN + 1]).is_err());
        assert!(Fragment::parse("a=x\r\n".repeat(MAX_LINES + 1).as_bytes()).is_err());
        let many = "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n".repeat(60);
        assert_eq!(Fragment::parse(many.as_bytes()).unwrap().candidates.len(), MAX_CANDIDATES);
    }
}

//! Reading a description (RFC 8866 §9) within limits.

use std::net::IpAddr;

use crate::sdp::{Attribute, ConnectionAddress, MediaDescription, MediaKind, MediaProtocol, Origin, SessionDescription};

/// Why a body is no description that we take; lines are numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// More than 64 KiB.
    #[error("{len} octets are more than {MAX_LEN}")]
    TooLong {
        /// Its octets.
        len: usize,
    },
    /// More than 512 lines.
    #[error("more than {MAX_LINES} lines")]
    TooManyLines,
    /// More than 16 media.
    #[error("more than {MAX_MEDIA} media")]
    TooManyMedia,
    /// More than 64 formats of one medium.
    #[error("line {line}: more than {MAX_FORMATS} formats")]
    TooManyFormats {
        /// The line.
        line: usize,
    },
    /// A control character within a line.
    #[error("not text")]
    NotText,
    /// It does not begin with `v=0`.
    #[error("no v=0 at the beginning")]
    Version,
    /// It has no `o=` line before its media.
    #[error("no origin")]
    NoOrigin,
    /// A line does not begin with a letter and `=`.
    #[error("line {line}: not a type and a value")]
    Line {
        /// The line.
        line: usize,
    },
    /// A line is not what its type asks for.
    #[error("line {line}: malformed {kind}=")]
    Malformed {
        /// The line.
        line: usize,
        /// Its type.
        kind: char,
    },
}

impl SessionDescription {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is beyond a limit, or malformed in a line that a call depends on.
    pub fn parse(body: &[u8]) -> Result<Self, SdpError> {
        if body.len() > MAX_LEN {
            return Err(SdpError::TooLong { len: body.len() });
        }
        // Subjects come in any character set; the lines that count are ASCII, and stay so.
        let text = String::from_utf8_lossy(body);
        let mut parser = Parser::default();
        for (index, line) in text.trim_end_matches(['\r', '\n']).split('\n').enumerate() {
            if index == MAX_LINES {
                return Err(SdpError::TooManyLines);
            }
            parser.line(index + 1, line.strip_suffix('\r').unwrap_or(line))?;
        }
        let origin = parser.origin.ok_or(SdpError::NoOrigin)?;
        Ok(Self { origin, connection: parser.connection, attributes: parser.attributes, media: parser.media })
    }
}

/// What was read so far.
#[derive(Default)]
struct Parser {
    origin: Option<Origin>,
    connection: Option<ConnectionAddress>,
    attributes: Vec<Attribute>,
    media: Vec<MediaDescription>,
}

impl Parser {
    fn line(&mut self, line: usize, text: &str) -> Result<(), SdpError> {
        if text.chars().any(|character| character.is_control() && character != '\t') {
            return Err(SdpError::NotText);
        }
        let (kind, value) = match text.split_once('=') {
            Some((kind, value)) if kind.len() == 1 => (kind.chars().next().unwrap_or(' '), value),
            _ => return Err(SdpError::Line { line }),
        };
        if (line == 1) != (kind == 'v') || (line == 1 && value.trim() != "0") {
            return Err(SdpError::Version);
        }
        let malformed = SdpError::Malformed { line, kind };
        match kind {
            'o' if self.origin.is_none() => self.origin = Some(Origin::parse(value).ok_or(malformed)?),
            'c' => self.connection(ConnectionAddress::parse(value).ok_or(malformed)?),
            'a' => {
                let attribute = match Attribute::parse(value.trim_end()) {
                    Some(attribute) => attribute,
                    // Of what is declined anyway nobody reads more.
                    None if self.media.last().is_some_and(|media| media.kind != MediaKind::Audio) => return Ok(()),
                    None => return Err(malformed),
                };
                self.media.last_mut().map_or(&mut self.attributes, |media| &mut media.attributes).push(attribute);
            }
            'm' if self.origin.is_none() => return Err(SdpError::NoOrigin),
            'm' if self.media.len() == MAX_MEDIA => return Err(SdpError::TooManyMedia),
            'm' => self.media.push(MediaDescription::parse(line, value)?),
            _ => {}
        }
        Ok(())
    }

    /// Of several addresses the first counts.
    fn connection(&mut self, address: ConnectionAddress) {
        self.media.last_mut().map_or(&mut self.connection, |media| &mut media.connection).get_or_insert(address);
    }
}

impl Origin {
    fn parse(value: &str) -> Option<Self> {
        let words: Vec<&str> = value.split_ascii_whitespace().collect();
        // From the end: some devices write a user with blanks.
        let &[.., id, version, _network, _family, address] = &words[..] else { return None };
        let address: Option<IpAddr> = address.parse().ok();
        Some(Self { session_id: number(id)?, session_version: number(version)?, address })
    }
}

impl MediaDescription {
    fn parse(line: usize, value: &str) -> Result<Self, SdpError> {
        let malformed = SdpError::Malformed { line, kind: 'm' };
        let mut words = value.split_ascii_whitespace();
        let kind = MediaKind::from_token(words.next().ok_or(malformed)?);
        // A count of ports, for layered codings, changes nothing: the first is taken.
        let port = words.next().and_then(|port| port.split('/').next()?.parse().ok()).ok_or(malformed)?;
        let protocol = MediaProtocol::from_token(words.next().ok_or(malformed)?);
        let formats: Vec<String> = words.take(MAX_FORMATS + 1).map(str::to_owned).collect();
        match formats.len() {
            0 => Err(malformed),
            1..=MAX_FORMATS => Ok(Self { kind, port, protocol, formats, connection: None, attributes: Vec::new() }),
            _ => Err(SdpError::TooManyFormats { line }),
        }
    }
}

/// Digits; more than fit are as good as the most that do, since the number is only compared.
fn number(digits: &str) -> Option<u64> {
    let digits_only = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits_only.then(|| digits.parse().unwrap_or(u64::MAX))
}

const MAX_LEN: usize = 64 * 1024;
const MAX_LINES: usize = 512;
const MAX_MEDIA: usize = 16;
const MAX_FORMATS: usize = 64;

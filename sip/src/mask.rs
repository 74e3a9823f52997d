//! Masks what opens doors in a message that somebody will look at: what proves a password, keys of media, tokens of identity, keys that
//! were pressed.
//!
//! Each octet of a secret becomes an `x`: no length changes, so Content-Length and every other part stay true. What is masked:
//!
//! - `response`, `rspauth` and `cnonce` of digest (RFC 7616 §3.4: with the nonce they allow guessing the password elsewhere), and the whole
//!   of any other scheme's credentials;
//! - the token of Identity (RFC 8224 §4): it speaks for its number for a minute;
//! - passwords in URIs (RFC 3261 §19.1.1);
//! - in bodies: keys of SDES and MIKEY (RFC 4568, RFC 4567, `k=` of RFC 4566), passwords of ICE, and the digits of keys by INFO.
//!
//! Numbers, names and addresses stay: a look at signalling without them shows nothing.

use std::ops::Range;

/// Masks the secrets of a message in place; what is no SIP is masked line by line as far as it looks like it.
pub fn mask(message: &mut [u8]) {
    let mut head = Head::default();
    let mut at = 0;
    while let Some(line) = line_at(message, at) {
        at = next_line(message, &line);
        if line.is_empty() {
            break;
        }
        // A folded header goes on as long as lines begin with white space (RFC 3261 §7.3.1).
        let mut value_end = line.end;
        while message.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            let Some(more) = line_at(message, at) else { break };
            value_end = more.end;
            at = next_line(message, &more);
        }
        mask_header(message, line.start..value_end, &mut head);
    }
    mask_body(message, at, head.keys);
}

#[derive(Default)]
struct Head {
    /// The body holds keys that somebody pressed.
    keys: bool,
}

fn mask_header(message: &mut [u8], line: Range<usize>, head: &mut Head) {
    let Some(text) = message.get_mut(line) else { return };
    let colon = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
    let (name, value) = text.split_at_mut(colon);
    let is = |wanted: &str| name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
    if is("Authorization") || is("Proxy-Authorization") {
        mask_credentials(value);
    } else if is("Authentication-Info") || is("Proxy-Authentication-Info") {
        mask_parameters(value);
    } else if is("Identity") || is("y") {
        let token = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        fill(value.get_mut(1..token).unwrap_or_default(), |byte| !byte.is_ascii_whitespace() && *byte != b'.');
    } else {
        if is("Content-Type") || is("c") {
            head.keys = [&b"dtmf"[..], b"kpml"].iter().any(|kind| find(value, kind, 0).is_some());
        }
        // The start line has no name: its URI may stand before any colon.
        mask_passwords(text);
    }
}

/// The value behind `Authorization`, from the colon on.
fn mask_credentials(value: &mut [u8]) {
    let start = 1 + value.iter().skip(1).take_while(|byte| byte.is_ascii_whitespace()).count();
    let scheme = value.iter().skip(start).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let is_digest = value.get(start..start + scheme).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Digest"));
    let rest = value.get_mut(start + scheme..).unwrap_or_default();
    if is_digest { mask_parameters(rest) } else { fill(rest, |byte| !byte.is_ascii_whitespace()) }
}

fn mask_parameters(value: &mut [u8]) {
    for name in [&b"response"[..], b"rspauth", b"cnonce"] {
        let mut from = 0;
        while let Some(at) = find(value, name, from) {
            from = at + name.len();
            let begins = at == 0 || value.get(at - 1).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b',' | b'\n' | b':'));
            let spaces = value.iter().skip(from).take_while(|byte| byte.is_ascii_whitespace()).count();
            if !begins || value.get(from + spaces) != Some(&b'=') {
                continue;
            }
            let secret = value.get_mut(from + spaces + 1..).unwrap_or_default();
            let end = parameter_end(secret);
            fill(secret.get_mut(..end).unwrap_or_default(), |byte| !byte.is_ascii_whitespace() && *byte != b'"');
        }
    }
}

/// Where a value ends: behind its closing quote, or, of one without quotes, at a comma or at the quote of whatever it stands in.
fn parameter_end(text: &[u8]) -> usize {
    let start = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let quoted = text.get(start) == Some(&b'"');
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate().skip(start + usize::from(quoted)) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => return at,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// `sip:user:password@host`.
fn mask_passwords(text: &mut [u8]) {
    for scheme in [&b"sip:"[..], b"sips:"] {
        let mut from = 0;
        while let Some(at) = find(text, scheme, from) {
            from = at + scheme.len();
            let rest = text.get_mut(from..).unwrap_or_default();
            let end = rest.iter().position(|byte| matches!(byte, b'@' | b'<' | b'>' | b'"') || byte.is_ascii_whitespace());
            let Some(end) = end.filter(|end| rest.get(*end) == Some(&b'@')) else { continue };
            let user = rest.get_mut(..end).unwrap_or_default();
            if let Some(colon) = user.iter().position(|byte| *byte == b':') {
                fill(user.get_mut(colon + 1..).unwrap_or_default(), |_| true);
            }
        }
    }
}

fn mask_body(message: &mut [u8], mut at: usize, keys: bool) {
    while let Some(line) = line_at(message, at) {
        at = next_line(message, &line);
        let Some(text) = message.get_mut(line) else { return };
        if keys {
            let value = text.iter().position(|byte| *byte == b'=').map_or(0, |equals| equals + 1);
            fill(text.get_mut(value..).unwrap_or_default(), |byte| !byte.is_ascii_whitespace());
            continue;
        }
        for (prefix, marker) in SECRET_LINES {
            if text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
                mask_behind(text, prefix.len(), marker);
            }
        }
    }
}

/// All that follows each `marker` up to the end of its word, or of the line when the marker is empty.
fn mask_behind(text: &mut [u8], mut from: usize, marker: &[u8]) {
    if marker.is_empty() {
        return fill(text.get_mut(from..).unwrap_or_default(), |byte| !byte.is_ascii_whitespace());
    }
    while let Some(at) = find(text, marker, from) {
        from = at + marker.len();
        let secret = text.get_mut(from..).unwrap_or_default();
        let end = secret.iter().position(|byte| matches!(byte, b'|' | b';') || byte.is_ascii_whitespace()).unwrap_or(secret.len());
        fill(secret.get_mut(..end).unwrap_or_default(), |_| true);
    }
}

/// Lines of bodies with secrets: how they begin, and behind what the secret stands.
const SECRET_LINES: [(&[u8], &[u8]); 4] = [(b"a=crypto:", b"inline:"), (b"a=key-mgmt:", b""), (b"k=", b""), (b"a=ice-pwd:", b"")];

fn fill(secret: &mut [u8], hidden: impl Fn(&u8) -> bool) {
    secret.iter_mut().filter(|byte| hidden(byte)).for_each(|byte| *byte = b'x');
}

/// Where `wanted` begins at or behind `from`, in any case.
fn find(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted)).map(|at| from + at)
}

/// The line that begins at `at`, without its end.
fn line_at(message: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = message.get(at..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let line = rest.get(..length).unwrap_or_default();
    Some(at..at + line.strip_suffix(b"\r").unwrap_or(line).len())
}

fn next_line(message: &[u8], line: &Range<usize>) -> usize {
    let end = message.iter().skip(line.end).position(|byte| *byte == b'\n');
    end.map_or(message.len(), |end| line.end + end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mask(&mut bytes);
        assert_eq!(bytes.len(), text.len());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn digest_loses_what_proves_the_password_and_keeps_what_explains_a_refusal() {
        let head = "REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"bob, response=1\", realm=\"r\", nonce=\"n,1\",\r\n";
        let shown = masked(&format!("{head} cnonce=\"0a4f\", nc=1, response=\"6629fae49393a05397450978507c4ef1\", opaque=\"o\"\r\n\r\n"));
        assert!(shown.contains("username=\"bob, response=x"), "what looks like one is taken for one: {shown}");
        assert!(shown.contains("realm=\"r\", nonce=\"n,1\",\r\n cnonce=\"xxxx\", nc=1, response=\"xxxxxxxx"), "{shown}");
        assert!(shown.contains("opaque=\"o\"") && !shown.contains("6629"), "{shown}");
        let basic = masked("OPTIONS sip:a SIP/2.0\r\nproxy-authorization : Basic dXNlcjpwYXNz\r\n\r\n");
        assert!(basic.contains(" Basic xxxxxxxxxxxx\r\n"), "{basic}");
    }

    #[test]
    fn tokens_and_passwords_in_uris_are_gone() {
        let shown = masked(
            "INVITE sip:bob:s3cret@example.org SIP/2.0\r\nFrom: \"A\" <sips:al:pw@x>;tag=1\r\nTo: sip:host:5060\r\n\
             Identity: eyJh.eyJi.c2ln;info=<https://x/y.pem>;alg=ES256;ppt=shaken\r\ny:aa.bb\r\n\r\n",
        );
        assert!(
            shown.starts_with("INVITE sip:bob:xxxxxx@example.org SIP/2.0\r\nFrom: \"A\" <sips:al:xx@x>;tag=1\r\nTo: sip:host:5060\r\n")
        );
        assert!(shown.contains("Identity: xxxx.xxxx.xxxx;info=<https://x/y.pem>;alg=ES256;ppt=shaken\r\ny:xx.xx\r\n"), "{shown}");
    }

    #[test]
    fn keys_of_media_and_keys_that_were_pressed_are_gone() {
        let sdp = masked(
            "INVITE sip:a SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nk=base64:abc\r\na=ice-pwd:secret\r\n\
             a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc+/=|2^20|1:4;inline:def UNENCRYPTED_SRTP\r\na=rtpmap:0 PCMU/8000\r\n",
        );
        assert!(sdp.contains("k=xxxxxxxxxx\r\na=ice-pwd:xxxxxx\r\n"), "{sdp}");
        assert!(sdp.contains("inline:xxxxxx|2^20|1:4;inline:xxx UNENCRYPTED_SRTP\r\na=rtpmap:0 PCMU/8000\r\n"), "{sdp}");
        let relay = masked("INFO sip:a SIP/2.0\r\nc: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n");
        assert!(relay.ends_with("Signal=x\r\nDuration=xxx\r\n"), "{relay}");
        assert!(masked("INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf\r\n\r\n5").ends_with("\r\n\r\nx"));
    }

    #[test]
    fn what_has_no_secret_stays_as_it_is() {
        let plain = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\nContact: <sip:a@b>\r\n\r\nk:1\r\n";
        assert_eq!(masked(plain), plain);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail_or_change_their_number(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let length = bytes.len();
            mask(&mut bytes);
            prop_assert_eq!(bytes.len(), length);
        }

        #[test]
        fn masking_twice_is_masking_once(text in "[A-Za-z]{1,12}: (Digest |sip:)?[a-z:@=,\"\r\n .;]{0,60}") {
            let mut once = text.into_bytes();
            mask(&mut once);
            let mut twice = once.clone();
            mask(&mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}

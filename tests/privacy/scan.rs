//! Finds a secret in a log line, however it was written there.

use std::fmt::Write as _;

use base64_simd::{STANDARD, URL_SAFE};

/// Looks for secrets.
pub(crate) struct Scanner {
    secrets: Vec<Secret>,
}

struct Secret {
    text: String,
    lower: String,
    /// Bytes as hexadecimal digits, lower case, nothing between them.
    hex: String,
    /// Bytes as decimal numbers with commas between them, as a byte slice prints.
    decimal: String,
    /// The characters of base64 that follow from the secret alone, for each of the three places it can begin at.
    base64: Vec<String>,
    /// Its digits, where it is a telephone number.
    digits: Option<String>,
}

impl Scanner {
    pub(crate) fn new(secrets: &[&str]) -> Self {
        Self { secrets: secrets.iter().map(|secret| Secret::new(secret)).collect() }
    }

    /// `secret (how it is written)` for each one that the line holds.
    pub(crate) fn leaks(&self, line: &str) -> Vec<String> {
        let unescaped = unescape(line);
        // Twice, since a JSON text may stand in a JSON field.
        let views = [line.to_owned(), percent_decode(line), unescape(&unescaped), unescaped].map(|view| view.to_lowercase());
        let hex = hex_view(line);
        let decimal: String = line.chars().filter(|character| !character.is_whitespace()).collect();
        let digits = squeeze_digits(&views[3]);
        let mut found = Vec::new();
        for secret in &self.secrets {
            let ways = [
                ("as text", views.iter().any(|view| view.contains(&secret.lower))),
                ("as hexadecimal", hex.contains(&secret.hex)),
                ("as decimal bytes", decimal.contains(&secret.decimal)),
                ("as base64", secret.base64.iter().any(|part| line.contains(part))),
                ("as separated digits", secret.digits.as_ref().is_some_and(|number| digits.contains(number))),
            ];
            found.extend(ways.iter().filter(|(_, leaked)| *leaked).map(|(how, _)| format!("{} ({how})", secret.text)));
        }
        found
    }
}

impl Secret {
    fn new(text: &str) -> Self {
        assert!(text.len() >= 6, "{text} is so short that chance would find it");
        let bytes = text.as_bytes();
        let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let base64 = (0..3).flat_map(|before| {
            let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(bytes.iter().copied()).chain([0; 3]).collect();
            let (first, last) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
            [STANDARD, URL_SAFE].map(|alphabet| alphabet.encode_to_string(&padded)[first..last].to_owned())
        });
        Self {
            text: text.to_owned(),
            lower: text.to_lowercase(),
            hex: hex::encode(bytes),
            decimal: decimal.join(","),
            base64: base64.collect(),
            digits: bytes.iter().all(u8::is_ascii_digit).then(|| text.to_owned()),
        }
    }
}

/// `%2B` is `+`.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code =
            after.get(..2).filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What JSON and Rust escape: `\u002b`, `\u{2b}`, `\x2b`, `\"`, `\\`.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let hexadecimal = |digits: Option<&str>| char::from_u32(u32::from_str_radix(digits?, 16).ok()?);
        let (character, length) = match after.as_bytes().first() {
            Some(b'u') if after[1..].starts_with('{') => {
                let digits = after[2..].split_once('}').map(|(digits, _)| digits);
                (hexadecimal(digits), digits.map_or(1, |digits| digits.len() + 3))
            }
            Some(b'u') => (hexadecimal(after.get(1..5)), 5),
            Some(b'x') => (hexadecimal(after.get(1..3)), 3),
            Some(b'n' | b'r' | b't') => (Some(' '), 1),
            _ => (None, 0),
        };
        plain.extend(character);
        rest = if character.is_some() { &after[length..] } else { after };
        if character.is_none() && rest.starts_with('\\') {
            plain.push('\\');
            rest = &rest[1..];
        }
    }
    plain + rest
}

/// Without what may stand between hexadecimal bytes.
fn hex_view(line: &str) -> String {
    let bare = line.to_lowercase().replace("\\x", "").replace("0x", "");
    bare.chars().filter(|character| !" :,-%[]".contains(*character)).collect()
}

/// Without what may stand between the digits of a telephone number.
fn squeeze_digits(line: &str) -> String {
    line.chars().filter(|character| !" -.()/_\u{a0}".contains(*character)).collect()
}

#[test]
fn a_planted_leak_is_found_in_every_encoding() {
    const SECRETS: [&str; 4] = ["5553141592", "hagedorn", "metastatic melanoma", "127.77.66.55"];
    type Encoding = (&'static str, fn(&str) -> String);
    const ENCODINGS: &[Encoding] = &[
        ("plain", |secret| secret.to_owned()),
        ("upper case", str::to_uppercase),
        ("capitals", |secret| secret.split(' ').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<Vec<_>>().join(" ")),
        ("URL", |secret| secret.replace(' ', "%20").replace('.', "%2E").replace('1', "%31").replace('m', "%6d")),
        ("URL, every byte", |secret| each(secret, |byte| format!("%{byte:02X}"))),
        ("JSON", |secret| each(secret, |byte| format!("\\u{byte:04x}"))),
        ("JSON in JSON", |secret| each(secret, |byte| format!("\\\\u{byte:04X}"))),
        ("Rust", |secret| each(secret, |byte| format!("\\u{{{byte:x}}}"))),
        ("bytes of a string", |secret| each(secret, |byte| format!("\\x{byte:02x}"))),
        ("hexadecimal", |secret| hex::encode(secret)),
        ("hexadecimal, upper case", |secret| hex::encode_upper(secret)),
        ("hexadecimal with colons", |secret| each(secret, |byte| format!("{byte:02x}:"))),
        ("hexadecimal as a list", |secret| each(secret, |byte| format!("0x{byte:02x}, "))),
        ("bytes as a list", |secret| format!("{:?}", secret.as_bytes())),
        ("base64", |secret| STANDARD.encode_to_string(secret)),
        ("base64, one later", |secret| STANDARD.encode_to_string(format!("+{secret}@"))),
        ("base64, two later", |secret| STANDARD.encode_to_string(format!("+1{secret}@x"))),
        ("base64 for URLs, two later", |secret| URL_SAFE.encode_to_string(format!("??{secret}??"))),
    ];
    let scanner = Scanner::new(&SECRETS);
    for secret in SECRETS {
        for (name, encode) in ENCODINGS {
            let line = format!("2026-01-01T00:00:00Z  INFO auricle::call: call_offered peer=x{}y", encode(secret));
            assert!(!scanner.leaks(&line).is_empty(), "{secret} as {name}: {line}");
        }
    }
    for number in ["(555) 314-1592", "555.314.1592", "555 31 41 592", "555-314-1592", "55 53 14 15 92"] {
        assert_eq!(scanner.leaks(&format!("to=\"+1 {number}\"")), ["5553141592 (as separated digits)"], "{number}");
    }
    let innocent =
        r#"{"timestamp":"2026-01-01T00:00:00.123456Z","peer":"127.77.66.0/24","call":"call_01JABCDEFGHJKMNPQRSTVWXYZ0","ms":555}"#;
    assert_eq!(scanner.leaks(innocent), [""; 0]);
}

fn each(secret: &str, write: impl Fn(u8) -> String) -> String {
    secret.bytes().fold(String::new(), |mut text, byte| {
        let _written = write!(text, "{}", write(byte));
        text
    })
}

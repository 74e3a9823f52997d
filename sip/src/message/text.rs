//! The lexical layer (RFC 3261 §25.1): tokens, white space, quoted strings. Folding is already undone when these run.

use super::octet::Class;

/// Without leading and trailing spaces and tabs.
pub(crate) fn trim(text: &str) -> &str {
    let start = text.bytes().position(is_solid).unwrap_or(text.len());
    let end = text.bytes().rposition(is_solid).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Neither space nor tab.
pub(crate) fn is_solid(octet: u8) -> bool {
    octet != b' ' && octet != b'\t'
}

/// A non-empty `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && Class::TOKEN.has_all(text)
}

/// Where an ASCII character stands first. What is searched in a header is short: there a plain loop is the fastest.
pub(crate) fn find(text: &str, octet: u8) -> Option<usize> {
    text.bytes().position(|candidate| candidate == octet)
}

/// What stands before the first such ASCII character, and what behind it.
pub(crate) fn split_once(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = find(text, octet)?;
    text.get(..at).zip(text.get(at + 1..))
}

/// Splits at the first `separator` that stands outside quoted strings and, when `brackets`, outside `<…>`.
/// The second part is `None` when there is no separator. An open quote swallows the rest; the typed parsers then refuse it.
pub(crate) fn split_outside_quotes(text: &str, separator: u8, brackets: bool) -> (&str, Option<&str>) {
    let Some(first) = memchr::memchr(separator, text.as_bytes()) else { return (text, None) };
    let before = text.get(..first).unwrap_or_default();
    // Most values have nothing that could hide the first of them.
    if memchr::memchr2(b'"', if brackets { b'<' } else { b'"' }, before.as_bytes()).is_none() {
        return (before, text.get(first + 1..));
    }
    let (mut quoted, mut escaped, mut in_brackets) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' if !in_brackets => quoted = true,
            b'<' if brackets => in_brackets = true,
            b'>' if brackets => in_brackets = false,
            _ if byte == separator && !in_brackets => {
                return (text.get(..at).unwrap_or_default(), text.get(at + 1..));
            }
            _ => {}
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_inside_quotes_or_brackets_does_not_split() {
        assert_eq!(split_outside_quotes(r#""a\",b" <sip:c,d@e>,f"#, b',', true), (r#""a\",b" <sip:c,d@e>"#, Some("f")));
    }

    #[test]
    fn an_open_quote_swallows_the_rest() {
        assert_eq!(split_outside_quotes("\"a,b", b',', true), ("\"a,b", None));
    }
}

//! The lexical layer (RFC 3261 §25.1): tokens, white space, quoted strings. Folding is already undone when these run.

/// Without leading and trailing spaces and tabs.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A non-empty `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Splits at the first `separator` that stands outside quoted strings and, when `brackets`, outside `<…>`.
/// The second part is `None` when there is no separator. An open quote swallows the rest; the typed parsers then refuse it.
pub(crate) fn split_outside_quotes(text: &str, separator: u8, brackets: bool) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    if !bytes.contains(&separator) {
        return (text, None);
    }
    // Most values have nothing that could hide a separator.
    let hiding = bytes.contains(&b'"') || (brackets && bytes.contains(&b'<'));
    if !hiding {
        return match text.split_once(char::from(separator)) {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
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

//! Canonical JSON (RFC 8785): one text for one value, so that a hash means the value.
//!
//! Members sorted by UTF-16 code units (§3.2.3), numbers as ECMAScript writes them (§3.2.2.3), strings with the least
//! escaping (§3.2.2.2). Input is what `serde_json` holds: no NaN, no lone surrogates.

use std::fmt::Write;

use serde_json::{Number, Value};

/// Appends the canonical text of `value` to `out`.
pub(super) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Whole numbers that a double holds exactly are written as they are, all others as the double that they are.
fn write_number(number: &Number, out: &mut String) {
    match number.as_i64().filter(|whole| whole.unsigned_abs() <= EXACT) {
        Some(whole) => {
            let _ = write!(out, "{whole}");
        }
        None => write_double(number.as_f64().unwrap_or_default(), out),
    }
}

/// ECMAScript's Number::toString: the shortest digits that read back, laid out by the size of the exponent.
fn write_double(double: f64, out: &mut String) {
    if double == 0.0 {
        out.push('0');
        return;
    }
    let scientific = format!("{:e}", double.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // The value is 0.d₁d₂…d_k × 10^n.
    let (k, n) = (i32::try_from(digits.len()).unwrap_or_default(), exponent + 1);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    if double < 0.0 {
        out.push('-');
    }
    let (head, tail) = digits.split_at(usize::try_from(n.clamp(0, k)).unwrap_or_default());
    if k <= n && n <= 21 {
        out.push_str(&digits);
        out.push_str(&zeros(n - k));
    } else if 0 < n && n <= 21 {
        let _ = write!(out, "{head}.{tail}");
    } else if -6 < n && n <= 0 {
        let _ = write!(out, "0.{}{digits}", zeros(-n));
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let _ = write!(out, "{first}{point}{rest}e{:+}", n - 1);
    }
}

/// Up to 2⁵³ every whole number is a double.
const EXACT: u64 = 1 << 53;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn canonical(text: &str) -> String {
        let mut out = String::new();
        write(&serde_json::from_str(text).unwrap(), &mut out);
        out
    }

    #[test]
    fn numbers_are_written_as_ecmascript_writes_them() {
        let cases = [
            ("0", "0"),
            ("-0.0", "0"),
            ("1.0", "1"),
            ("-12.50", "-12.5"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("123456789012345680000", "123456789012345680000"),
            ("1e-6", "0.000001"),
            ("1e-7", "1e-7"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("9007199254740993", "9007199254740992"),
            ("-9007199254740992", "-9007199254740992"),
        ];
        for (text, expected) in cases {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn members_stand_in_the_order_of_utf_16() {
        // U+FB33 sorts behind U+1F600 in UTF-16, before it by code point.
        assert_eq!(
            canonical("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"a\":{\"c\":1,\"b\":2}}"),
            "{\"a\":{\"b\":2,\"c\":1},\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn the_published_vectors_come_out_byte_for_byte() {
        let root = std::env::var_os("AURICLE_VECTORS").map_or_else(|| PathBuf::from("../shared/vectors"), PathBuf::from);
        let folder = root.join("jcs-rfc8785");
        let Ok(inputs) = std::fs::read_dir(folder.join("input")) else {
            println!("skipped: no vectors at {}", folder.display());
            return;
        };
        for input in inputs {
            let path = input.unwrap().path();
            let expected = std::fs::read_to_string(folder.join("output").join(path.file_name().unwrap())).unwrap();
            assert_eq!(canonical(&std::fs::read_to_string(&path).unwrap()), expected.trim_end(), "{}", path.display());
        }
    }
}

//! The URL that is dialled.

use crate::agent::config::AgentConfig;

/// The URL with the model in it, where one is set and none stands there.
pub(in crate::agent::protocol) fn request_url(config: &AgentConfig) -> String {
    let url = &config.url;
    match &config.model {
        Some(model) if !url.contains("model=") => {
            let joint = if url.contains('?') { '&' } else { '?' };
            let model: String = model.bytes().flat_map(percent_encoded).map(char::from).collect();
            format!("{url}{joint}model={model}")
        }
        _ => url.clone(),
    }
}

/// RFC 3986 §2.1, all but the unreserved characters.
fn percent_encoded(byte: u8) -> impl Iterator<Item = u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let hex = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let triple = if plain { [byte, 0, 0] } else { [b'%', hex(byte >> 4), hex(byte & 15)] };
    triple.into_iter().take(if plain { 1 } else { 3 })
}

//! The rules: each takes one file and answers with its violations, so that each can be shown to fail.

use super::paths::{self, NamedPath};
use super::source::SourceFile;

/// `path:line: what is wrong`.
pub(crate) type Violation = String;

/// The layers of `src`, lowest first. A module may import what stands in a lower layer, and itself; nothing beside it or above.
pub(crate) const LAYERS: &[&[&str]] = &[
    &["domain"],
    // `telemetry` knows the domain only, so that everything may use it.
    &["net", "telemetry", "supervision"],
    &["store"],
    // `identity` says who somebody is, over the store; the API alone asks it.
    &["audit", "identity", "leg", "agent", "phone", "webhooks"],
    &["call"],
    &["signalling"],
    &["api"],
    // `config` composes the `Config` of every module below, `shutdown` ends them in order; only what starts the program knows either.
    &["config", "shutdown"],
    &["app"],
    &["cli"],
    &["main"],
];

/// Crates with a home, or two: nobody else may name them.
pub(crate) const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/store/sqlite"]),
    ("mongodb", &["src/store/mongo"]),
    ("jsonwebtoken", &["src/identity/token"]),
    ("lettre", &["src/identity/mail"]),
    ("axum", &["src/api"]),
    ("tower_http", &["src/api"]),
    ("rust_embed", &["src/api/console"]),
    ("hyper_util", &["src/api", "src/net/https"]),
    ("http_body_util", &["src/net/https"]),
    // Two ends of the same protocol: the agent is a WebSocket server, and browsers speak SIP over WebSocket to us (RFC 7118).
    ("tokio_tungstenite", &["src/agent", "src/signalling/transport"]),
    ("hickory_resolver", &["src/net/dns.rs"]),
    ("anyhow", &["src/main.rs"]),
];

/// What a pure crate must not name: I/O, other threads, the clock, chance, and its neighbours.
const IMPURE: &[&str] = &[
    "tokio",
    "axum",
    "mongodb",
    "auricle",
    "rusqlite",
    "futures_util",
    "rand",
    "getrandom",
    "rustix",
    "socket2",
    "libc",
    "std::thread",
    "std::fs",
    "std::process",
    "std::env",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "std::sync::mpsc",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::ToSocketAddrs",
];

const CLOCK: &[&str] = &["Instant::now", "SystemTime::now", "Utc::now", "Local::now"];

/// `src/…`: only lower layers are imported.
pub(crate) fn layers(file: &SourceFile) -> Vec<Violation> {
    let Some(own) = file.module_path().first().cloned() else { return Vec::new() };
    let Some(level) = level_of(&own) else {
        return vec![format!("{}:1: `{own}` has no layer; give it one in tests/architecture/rules.rs and ARCHITECTURE.md", file.path)];
    };
    let resolved = paths::of(file).into_iter().filter_map(|path| Some((path.line, path.resolved(file)?.into_iter().next()?)));
    resolved
        .filter(|(_, target)| *target != own && !target.starts_with(|first: char| first.is_uppercase() || first == '*'))
        .filter(|(_, target)| level_of(target).is_none_or(|other| other >= level))
        .map(|(line, target)| format!("{}:{line}: `{own}` must not import `{target}`", file.path))
        .collect()
}

/// `src/…`: a crate with a home is named nowhere else.
pub(crate) fn homes(file: &SourceFile) -> Vec<Violation> {
    let named = paths::of(file);
    HOMES
        .iter()
        .filter(|(_, homes)| !homes.iter().any(|home| file.path.starts_with(home)))
        .flat_map(|(name, homes)| named.iter().filter(move |path| path.segments[0] == *name).map(move |path| (name, homes, path.line)))
        .map(|(name, homes, line)| format!("{}:{line}: `{name}` belongs to {} alone", file.path, homes.join(" and ")))
        .collect()
}

/// `media/src` and `sip/src`: no I/O, thread, task, lock, clock or chance, and not each other.
pub(crate) fn purity(file: &SourceFile) -> Vec<Violation> {
    let neighbour = if file.path.starts_with("media/") { "sip" } else { "media" };
    let mut found = Vec::new();
    for NamedPath { segments, line } in paths::of(file) {
        let path = segments.join("::");
        let names = |banned: &str| path == banned || path.strip_prefix(banned).is_some_and(|rest| rest.starts_with("::"));
        if names(neighbour) || IMPURE.iter().any(|banned| names(banned)) || CLOCK.iter().any(|clock| path.contains(clock)) {
            found.push(format!("{}:{line}: a pure crate must not name `{path}`", file.path));
        }
    }
    for word in ["async", "await"] {
        found.extend(lines_with_word(&file.code, word).map(|line| format!("{}:{line}: `{word}` in a pure crate", file.path)));
    }
    found.extend(lines_with(&file.code, ".elapsed()").map(|line| format!("{}:{line}: `elapsed` reads the clock", file.path)));
    found
}

/// A file is short, or listed with its reason.
pub(crate) fn file_length(file: &SourceFile, limit: usize, exceptions: &[(&str, usize, &str)]) -> Vec<Violation> {
    let limit = exceptions.iter().find(|(path, ..)| *path == file.path).map_or(limit, |(_, longer, _)| *longer);
    if file.lines > limit { vec![format!("{}:1: {} lines without tests, the limit is {limit}", file.path, file.lines)] } else { Vec::new() }
}

/// A function is short, comments and blank lines not counted.
pub(crate) fn function_length(file: &SourceFile, limit: usize) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = file.code[from..].find("fn ").map(|at| from + at) {
        from = start + 3;
        let is_keyword = !file.code[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let Some(length) = is_keyword.then(|| body_length(&file.code[start..])).flatten() else { continue };
        let lines = file.code[start..start + length].lines().filter(|line| !line.trim().is_empty()).count();
        if lines > limit {
            let name: String = file.code[from..].chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
            found.push(format!("{}:{}: `{name}` has {lines} lines, the limit is {limit}", file.path, line_at(&file.code, start)));
        }
    }
    found
}

/// Modules, types and files are named for what they are.
pub(crate) fn names(file: &SourceFile, exceptions: &[(&str, &str, &str)]) -> Vec<Violation> {
    const AVOIDED: &[&str] =
        &["manager", "managers", "helper", "helpers", "util", "utils", "common", "base", "data", "info", "misc", "handler2"];
    // Fine as a part of a name, or within one file; never as the whole name of a type that others see.
    const BARE: &[&str] = &["process", "session", "stream"];
    let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    let folders = file.path.split('/').rev().skip(1).map(|folder| (1, false, folder.to_owned()));
    let declared =
        ["struct ", "enum ", "trait ", "type ", "mod ", "union "].into_iter().flat_map(|keyword| declarations(&file.code, keyword));
    let avoided = |name: &str| words_of(name).iter().any(|word| AVOIDED.contains(&word.as_str()));
    let bare = |name: &str| name.starts_with(char::is_uppercase) && BARE.contains(&name.to_lowercase().as_str());
    std::iter::once((1, false, stem))
        .chain(folders)
        .chain(declared)
        .filter(|(_, visible, name)| avoided(name) || *visible && bare(name))
        .filter(|(.., name)| !exceptions.iter().any(|(home, excepted, _)| excepted == name && file.path.starts_with(home)))
        .map(|(line, _, name)| format!("{}:{line}: `{name}` is a name we avoid", file.path))
        .collect()
}

/// What no file holds, test code included.
pub(crate) fn banned_text(file: &SourceFile) -> Vec<Violation> {
    let code = &file.code_with_tests;
    let in_code =
        ["unbounded_channel", "#[allow(", "#![allow("].into_iter().flat_map(|text| lines_with(code, text).map(move |line| (line, text)));
    let in_comments =
        ["TODO", "FIXME", "XXX"].into_iter().flat_map(|text| lines_with_word(&file.comments, text).map(move |line| (line, text)));
    in_code.chain(in_comments).map(|(line, text)| format!("{}:{line}: `{text}` stands in no file of ours", file.path)).collect()
}

/// A file says at its top what it is.
pub(crate) fn module_docs(file: &SourceFile) -> Vec<Violation> {
    let documented = file.comments.lines().any(|line| line.trim_start().starts_with("//!"));
    if documented { Vec::new() } else { vec![format!("{}:1: no module documentation (`//!`)", file.path)] }
}

/// Versions stand in the workspace's manifest only, and a package takes its lints from there.
pub(crate) fn manifest(path: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && section != "[workspace.dependencies]"
            && line.contains('=')
            && !line.contains("workspace = true")
        {
            found.push(format!("{path}:{}: a version of its own; put it into the workspace's manifest", index + 1));
        }
    }
    if !text.contains("[lints]\nworkspace = true") {
        found.push(format!("{path}:1: the workspace's lints are not taken"));
    }
    found
}

fn level_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn lines_with<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.lines().enumerate().filter(move |(_, line)| line.contains(part)).map(|(index, _)| index + 1)
}

fn lines_with_word<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = move |line: &str| line.split(|character: char| !character.is_alphanumeric() && character != '_').any(|part| part == word);
    text.lines().enumerate().filter(move |(_, line)| is_word(line)).map(|(index, _)| index + 1)
}

/// How long the function at the start of `code` is; nothing for one without a body or for a function's type.
fn body_length(code: &str) -> Option<usize> {
    let mut braces = 0_usize;
    let mut others = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '{' => braces += 1,
            '}' if braces == 1 => return Some(at + 1),
            '}' => braces = braces.checked_sub(1)?,
            '(' | '[' if braces == 0 => others += 1,
            ')' | ']' if braces == 0 => others = others.checked_sub(1)?,
            ';' if braces == 0 && others == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The names that `keyword` declares in `code`: line, whether others see it, name.
fn declarations(code: &str, keyword: &'static str) -> impl Iterator<Item = (usize, bool, String)> {
    code.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim_start();
        let visible = line.strip_prefix("pub").map(|rest| {
            let rest = if rest.starts_with('(') { rest.split_once(')').map_or(rest, |(_, after)| after) } else { rest };
            rest.trim_start()
        });
        let declared = visible.unwrap_or(line).strip_prefix(keyword)?;
        let name = declared.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
        Some((index + 1, visible.is_some(), name))
    })
}

/// `CallRecord` and `call_record` are `["call", "record"]`.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut lower_before = false;
    for character in name.chars() {
        if character == '_' || character == '-' || character == '.' || character.is_uppercase() && lower_before {
            words.push(String::new());
        }
        lower_before = character.is_lowercase() || character.is_numeric();
        if let Some(last) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            last.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

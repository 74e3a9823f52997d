//! A Rust source file as the rules see it: code without comments and literals, comments apart, tests cut out.
//!
//! A scanner, not a parser: it knows comments, literals, attributes and brackets, which is all that the rules ask for.

use std::fs;
use std::path::{Path, PathBuf};

/// One file, read once, in the views that the rules need. Every view keeps the line breaks, so lines can be named.
pub(crate) struct SourceFile {
    /// Relative to the repository's root.
    pub(crate) path: String,
    /// Code only: comments and what literals hold are blanked, `#[cfg(test)]` items too.
    pub(crate) code: String,
    /// As `code`, with the test items still in it.
    pub(crate) code_with_tests: String,
    /// Comments only.
    pub(crate) comments: String,
    /// Lines that do not belong to a `#[cfg(test)]` item.
    pub(crate) lines: usize,
}

impl SourceFile {
    /// Takes `text` apart as the file `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code_with_tests, comments) = separate(text);
        let (code, test_lines) = cut_tests(&code_with_tests);
        let lines = text.lines().count().saturating_sub(test_lines);
        Self { path: path.to_owned(), code, code_with_tests, comments, lines }
    }

    /// The modules from the crate's root to this file: `src/call/driver.rs` is `["call", "driver"]`.
    pub(crate) fn module_path(&self) -> Vec<String> {
        let inside = self.path.split_once("src/").map_or(self.path.as_str(), |(_, inside)| inside);
        let mut parts: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
            parts.pop();
        }
        parts
    }
}

/// Every Rust file below `folder`, without those that hold only tests.
pub(crate) fn below(root: &Path, folder: &str) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    walk(&root.join(folder), &mut paths);
    paths.sort();
    paths
        .iter()
        .map(|path| (path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/"), path))
        .filter(|(name, _)| {
            !["/tests.rs", "_tests.rs"].iter().any(|end| name.ends_with(end)) && !name.contains("/tests/") || folder == "tests"
        })
        .map(|(name, path)| SourceFile::new(&name, &fs::read_to_string(path).unwrap_or_default()))
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What the character under the cursor belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text { hashes: Option<usize> },
    Character,
}

/// Code and comments of `text`, each with everything else blanked.
fn separate(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    let mut kind = Kind::Code;
    let mut at = 0;
    while at < chars.len() {
        let (next, taken) = step(&chars, at, kind);
        for &character in &chars[at..at + taken] {
            let blank = if character == '\n' { '\n' } else { ' ' };
            let comment = [kind, next].iter().any(|kind| matches!(kind, Kind::LineComment | Kind::BlockComment { .. }));
            code.push(if kind == Kind::Code && next == Kind::Code { character } else { blank });
            comments.push(if comment { character } else { blank });
        }
        at += taken;
        kind = next;
    }
    (code, comments)
}

/// The kind after the cursor's characters, and how many of them belong together.
fn step(chars: &[char], at: usize, kind: Kind) -> (Kind, usize) {
    let pair = (chars[at], chars.get(at + 1).copied().unwrap_or('\0'));
    match kind {
        Kind::Code => step_code(chars, at, pair),
        Kind::LineComment if pair.0 == '\n' => (Kind::Code, 1),
        Kind::BlockComment { depth } => match pair {
            ('/', '*') => (Kind::BlockComment { depth: depth + 1 }, 2),
            ('*', '/') if depth == 1 => (Kind::Code, 2),
            ('*', '/') => (Kind::BlockComment { depth: depth - 1 }, 2),
            _ => (kind, 1),
        },
        Kind::Text { hashes: None } | Kind::Character if pair.0 == '\\' => (kind, 2.min(chars.len() - at)),
        Kind::Text { hashes: None } if pair.0 == '"' => (Kind::Code, 1),
        Kind::Text { hashes: Some(hashes) } if pair.0 == '"' && closes(chars, at + 1, hashes) => (Kind::Code, 1 + hashes),
        Kind::Character if pair.0 == '\'' => (Kind::Code, 1),
        Kind::LineComment | Kind::Text { .. } | Kind::Character => (kind, 1),
    }
}

fn step_code(chars: &[char], at: usize, pair: (char, char)) -> (Kind, usize) {
    match pair {
        ('/', '/') => (Kind::LineComment, 2),
        ('/', '*') => (Kind::BlockComment { depth: 1 }, 2),
        ('"', _) => (Kind::Text { hashes: raw_hashes(chars, at) }, 1),
        // A lifetime has no closing quote; a literal has one after one character or an escape.
        ('\'', '\\') => (Kind::Character, 1),
        ('\'', _) if chars.get(at + 2) == Some(&'\'') => (Kind::Character, 1),
        _ => (Kind::Code, 1),
    }
}

/// How many hashes a raw string that opens at this quote has; nothing for an ordinary string.
fn raw_hashes(chars: &[char], quote: usize) -> Option<usize> {
    let hashes = chars[..quote].iter().rev().take_while(|&&character| character == '#').count();
    let before: Vec<char> = chars[..quote - hashes].iter().rev().take(3).copied().collect();
    let is_word = |character: Option<&char>| character.is_some_and(|character| character.is_alphanumeric() || *character == '_');
    match before.first() {
        Some('r') if matches!(before.get(1), Some('b' | 'c')) && !is_word(before.get(2)) => Some(hashes),
        Some('r') if !is_word(before.get(1)) => Some(hashes),
        _ => None,
    }
}

fn closes(chars: &[char], from: usize, hashes: usize) -> bool {
    chars.len() >= from + hashes && chars[from..from + hashes].iter().all(|&character| character == '#')
}

/// `code` with its `#[cfg(test)]` items blanked, and how many lines they took.
fn cut_tests(code: &str) -> (String, usize) {
    const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test"];
    let mut rest = code.to_owned();
    let mut lines = 0;
    while let Some(start) = MARKS.iter().filter_map(|mark| rest.find(mark)).min() {
        let end = start + item_length(&rest[start..]);
        lines += rest[start..end].lines().count();
        let blank: String = rest[start..end].chars().map(|character| if character == '\n' { '\n' } else { ' ' }).collect();
        rest.replace_range(start..end, &blank);
    }
    (rest, lines)
}

/// How long the item at the start of `code` is: to its closing brace or semicolon.
fn item_length(code: &str) -> usize {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, character) in code.char_indices() {
        match character {
            '{' => braces += 1,
            '}' if braces <= 1 => return at + 1,
            '}' => braces -= 1,
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            ';' if braces == 0 && others == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

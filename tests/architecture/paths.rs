//! The paths that a file names: in `use` trees, expanded, and inline.

use super::source::SourceFile;

/// A path as written, with the line it stands on.
#[derive(Debug, PartialEq)]
pub(crate) struct NamedPath {
    /// Its segments: `["tokio", "net", "UdpSocket"]`.
    pub(crate) segments: Vec<String>,
    /// Counted from one.
    pub(crate) line: usize,
}

impl NamedPath {
    /// The path from the crate's root for one that starts with `crate`, `self`, `super` or `auricle`; nothing for another crate's.
    pub(crate) fn resolved(&self, file: &SourceFile) -> Option<Vec<String>> {
        let mut at = match self.segments.first()?.as_str() {
            "crate" | "auricle" => Vec::new(),
            "self" | "super" => file.module_path(),
            _ => return None,
        };
        for segment in self.segments.iter().skip_while(|segment| ["crate", "auricle", "self"].contains(&segment.as_str())) {
            if segment == "super" {
                at.pop();
            } else {
                at.push(segment.clone());
            }
        }
        Some(at)
    }
}

/// Every path of `file` with two segments or more.
pub(crate) fn of(file: &SourceFile) -> Vec<NamedPath> {
    let tokens = tokens(&file.code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // `use<'a>` in a type is a bound, not an import.
        if tokens[at].text == "use" && tokens.get(at + 1).is_some_and(|next| next.text != "<") {
            at = use_tree(&tokens, at + 1, &mut Vec::new(), &mut found);
        } else if starts_path(&tokens, at) {
            at = inline_path(&tokens, at, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

struct Token {
    text: String,
    line: usize,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.starts_with(|character: char| character.is_alphanumeric() || character == '_')
    }
}

fn tokens(code: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let chars: Vec<char> = line.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let word = chars[at..].iter().take_while(|character| character.is_alphanumeric() || **character == '_').count();
            let length = match chars[at] {
                _ if word > 0 => word,
                ':' if chars.get(at + 1) == Some(&':') => 2,
                _ => 1,
            };
            if !chars[at].is_whitespace() {
                found.push(Token { text: chars[at..at + length].iter().collect(), line: index + 1 });
            }
            at += length;
        }
    }
    found
}

/// Whether a path begins here: a word that neither continues a path nor is a field or method.
fn starts_path(tokens: &[Token], at: usize) -> bool {
    if !tokens[at].is_word() || tokens.get(at + 1).is_none_or(|next| next.text != "::") {
        return false;
    }
    let before = |back: usize| at.checked_sub(back).map(|index| &tokens[index]);
    match before(1).map(|token| token.text.as_str()) {
        Some(".") => false,
        // `::tokio::x` begins a path, `a::tokio::x` and `<T>::x` go on.
        Some("::") => before(2).is_none_or(|token| !token.is_word() && token.text != ">"),
        _ => true,
    }
}

fn inline_path(tokens: &[Token], from: usize, found: &mut Vec<NamedPath>) -> usize {
    let mut segments = vec![tokens[from].text.clone()];
    let mut at = from + 1;
    while tokens.get(at).is_some_and(|token| token.text == "::") && tokens.get(at + 1).is_some_and(Token::is_word) {
        segments.push(tokens[at + 1].text.clone());
        at += 2;
    }
    if segments.len() > 1 {
        found.push(NamedPath { segments, line: tokens[from].line });
    }
    at
}

/// Expands the tree at `at` below `prefix`; the answer is where it ends.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<NamedPath>) -> usize {
    let depth = prefix.len();
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}" && token.text != ";") {
                    at = use_tree(tokens, at, prefix, found);
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
                prefix.truncate(depth);
                return at + 1;
            }
            "," | "}" | ";" => break,
            // What the import is called here does not matter.
            "as" => at += 2,
            "::" => at += 1,
            _ => {
                prefix.push(token.text.clone());
                at += 1;
            }
        }
    }
    if prefix.len() > depth {
        let line = tokens.get(at.saturating_sub(1)).map_or(0, |token| token.line);
        found.push(NamedPath { segments: prefix.clone(), line });
    }
    prefix.truncate(depth);
    at
}

//! The messages of RFC 4475 and the class of each. They are no part of this project: read where they are, skipped aloud elsewhere.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where the messages are: `AURICLE_VECTORS`, or `shared` seen from the package.
pub(crate) fn folder(package: &str, shared: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AURICLE_VECTORS").map_or_else(|| Path::new(package).join(shared).join("vectors"), PathBuf::from);
    let folder = root.join("rfc4475");
    if folder.is_dir() {
        return Some(folder);
    }
    // Not by println, which a test that passes swallows.
    let _written = writeln!(std::io::stderr(), "skipped: no RFC 4475 messages at {}", folder.display());
    None
}

/// Names and classes; the manifest is flat enough to be read line by line.
pub(crate) fn cases(manifest: &str) -> Vec<(String, String)> {
    let mut cases = Vec::new();
    let mut name = String::new();
    let quoted = |text: &str| text.split('"').nth(1).unwrap_or_default().to_owned();
    for line in manifest.lines().map(str::trim).skip_while(|line| !line.starts_with("\"cases\"")).skip(1) {
        if line.ends_with('{') {
            name = quoted(line);
        } else if let Some(class) = line.strip_prefix("\"expect\":") {
            cases.push((name.clone(), quoted(class)));
        }
    }
    cases
}

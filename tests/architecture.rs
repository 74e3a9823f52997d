//! The architecture as a test: who imports whom, what is pure, how long things are, what they are called.
//!
//! The plan stands in `ARCHITECTURE.md`. Each rule is a function over one file in `architecture/rules.rs`; that each can
//! fail is shown in `architecture/negative.rs`.
#![expect(clippy::indexing_slicing, reason = "a scanner of our own files: a wrong index is a failing test, which is what it is for")]

#[path = "architecture/negative.rs"]
mod negative;
#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use std::fs;
use std::path::Path;

use rules::Violation;
use source::SourceFile;

const FILE_LIMIT: usize = 400;
const FUNCTION_LIMIT: usize = 70;

/// Files that are longer, up to how many lines, and why that is better than parting them.
const LONGER_FILES: &[(&str, usize, &str)] = &[];

/// Names with a word we avoid: below which path they stand, and why they keep it.
const KEPT_NAMES: &[(&str, &str, &str)] = &[
    ("media/src/rtcp", "NtpBase", "the point of NTP time that RTP time is counted from, RFC 3550 section 6.4.1"),
    ("src/agent", "Session", "the JSON object that the provider calls so"),
];

#[test]
fn a_module_imports_only_the_layers_below_it() {
    let files = source::below(root(), "src").into_iter().filter(|file| file.path != "src/lib.rs");
    report(files.flat_map(|file| rules::layers(&file)));
}

#[test]
fn a_crate_with_a_home_is_named_nowhere_else() {
    report(source::below(root(), "src").iter().flat_map(rules::homes));
}

#[test]
fn media_and_sip_name_no_socket_thread_task_lock_or_clock() {
    report(pure().iter().flat_map(rules::purity));
}

#[test]
fn media_and_sip_depend_on_no_runtime_and_not_on_each_other() {
    for (name, neighbour) in [("media", "sip"), ("sip", "media")] {
        let manifest = read(&format!("{name}/Cargo.toml"));
        for banned in [neighbour, "tokio", "axum", "mongodb", "auricle", "rand", "getrandom"] {
            let depends = manifest.lines().any(|line| line.starts_with(&format!("{banned}.")) || line.starts_with(&format!("{banned} =")));
            assert!(!depends, "{name}/Cargo.toml depends on {banned}");
        }
    }
}

#[test]
fn files_and_functions_are_short() {
    let files = everything();
    for (path, lines, reason) in LONGER_FILES {
        let file = files.iter().find(|file| file.path == *path);
        assert!(file.is_some_and(|file| file.lines > FILE_LIMIT && file.lines <= *lines), "{path} needs no exception any more ({reason})");
    }
    report(files.iter().flat_map(|file| rules::file_length(file, FILE_LIMIT, LONGER_FILES)));
    report(files.iter().flat_map(|file| rules::function_length(file, FUNCTION_LIMIT)));
}

#[test]
fn modules_types_and_files_are_named_for_what_they_are() {
    report(everything().iter().flat_map(|file| rules::names(file, KEPT_NAMES)));
}

#[test]
fn no_file_holds_an_unbounded_queue_a_bare_allow_or_an_open_end() {
    let tests = source::below(root(), "tests");
    report(everything().iter().chain(&tests).flat_map(rules::banned_text));
}

#[test]
fn every_file_says_what_it_is() {
    report(everything().iter().flat_map(rules::module_docs));
}

#[test]
fn versions_and_lints_stand_in_the_workspace_only() {
    report(["Cargo.toml", "media/Cargo.toml", "sip/Cargo.toml"].into_iter().flat_map(|path| rules::manifest(path, &read(path))));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn pure() -> Vec<SourceFile> {
    ["media/src", "sip/src"].into_iter().flat_map(|folder| source::below(root(), folder)).collect()
}

fn everything() -> Vec<SourceFile> {
    let files: Vec<SourceFile> =
        ["src", "media/src", "sip/src", "benches"].into_iter().flat_map(|folder| source::below(root(), folder)).collect();
    assert!(files.len() > 20, "only {} files found: the scan looks in the wrong place", files.len());
    files
}

/// Fails with every violation at once, one a line.
fn report(violations: impl IntoIterator<Item = Violation>) {
    let violations: Vec<Violation> = violations.into_iter().collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

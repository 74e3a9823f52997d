//! Proof that each rule can fail, and that it does not fail on what only looks like a violation.

use super::rules;
use super::source::SourceFile;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile::new(path, text)
}

#[test]
fn an_import_of_a_higher_layer_is_found_in_every_spelling() {
    for text in [
        "use crate::api::state::ApiState;",
        "use crate::{domain::ids::CallId, api};",
        "use super::super::api::error;",
        "fn f() { crate::api::serve(); }",
        "pub(crate) use crate::api as web;",
        "type A = Vec<crate::api::Error>;",
        "use auricle::api::v1;",
    ] {
        assert_eq!(rules::layers(&file("src/store/sqlite/mod.rs", text)).len(), 1, "{text}");
    }
}

#[test]
fn an_import_of_a_neighbour_in_the_same_layer_is_found() {
    assert_eq!(rules::layers(&file("src/agent/client.rs", "use crate::leg::Leg;")).len(), 1);
}

#[test]
fn a_bound_that_captures_is_no_import() {
    let text = "fn f<'a>() -> impl Iterator + use<'a> { let a = 1; crate::api::x(); }";
    assert_eq!(rules::layers(&file("src/agent/client.rs", text)).len(), 1);
}

#[test]
fn a_module_without_a_layer_is_found() {
    assert_eq!(rules::layers(&file("src/plugins/mod.rs", "use crate::domain::ids::CallId;")).len(), 1);
}

#[test]
fn imports_of_lower_layers_of_oneself_and_in_tests_are_fine() {
    let text = "use crate::domain::ids::CallId;\nuse super::state::State;\nuse super::super::net::udp;\n\
        // use crate::api::x;\nconst A: &str = \"crate::api::x\";\nfn f<'a>(x: &'a str) -> char { 'a' }\n\
        #[cfg(test)]\nmod tests { use crate::api::x; fn g() { if true {} } }\n";
    assert_eq!(rules::layers(&file("src/call/driver.rs", text)), Vec::<String>::new());
}

#[test]
fn a_crate_outside_its_home_is_found_and_at_home_is_fine() {
    assert_eq!(rules::homes(&file("src/call/driver.rs", "use rusqlite::Connection;")).len(), 1);
    assert_eq!(rules::homes(&file("src/call/driver.rs", "fn f() -> anyhow::Result<()> { ::axum::serve() }")).len(), 2);
    assert_eq!(rules::homes(&file("src/store/sqlite/mod.rs", "use rusqlite::Connection;")).len(), 0);
}

#[test]
fn impurity_is_found_however_it_is_written() {
    for text in [
        "use tokio::net::UdpSocket;",
        "use std::{net::{IpAddr, UdpSocket}, fmt};",
        "use std::time::Instant; fn f() { let now = Instant::now(); }",
        "fn f() { std::thread::sleep(d); }",
        "async fn f() {}",
        "fn f(t: Instant) { t.elapsed(); }",
        "use sip::Endpoint;",
        "use std::sync::Mutex as Lock;",
    ] {
        assert_eq!(rules::purity(&file("media/src/jitter.rs", text)).len(), 1, "{text}");
    }
}

#[test]
fn addresses_instants_and_words_in_comments_are_pure() {
    let text = "//! Never calls `Instant::now()`; async shells do.\nuse std::net::SocketAddr;\nuse std::time::{Duration, Instant};\n\
        /* tokio::spawn /* nested */ */ fn f(now: Instant) -> Instant { now }\n";
    assert_eq!(rules::purity(&file("sip/src/lib.rs", text)), Vec::<String>::new());
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let long = "fn a() {}\n".repeat(401);
    assert_eq!(rules::file_length(&file("src/a.rs", &long), 400, &[]).len(), 1);
    assert_eq!(rules::file_length(&file("src/a.rs", &long), 400, &[("src/a.rs", 410, "why")]).len(), 0);
    let tests = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(rules::file_length(&file("src/a.rs", &tests), 400, &[]).len(), 0);
}

#[test]
fn a_long_function_is_found_and_comments_do_not_count() {
    let body = |line: &str| format!("impl A {{\n    fn long(&self, x: [u8; 2]) -> fn(u8) -> u8 {{\n{}    }}\n}}\n", line.repeat(80));
    assert_eq!(rules::function_length(&file("src/a.rs", &body("        step();\n")), 70).len(), 1);
    assert_eq!(rules::function_length(&file("src/a.rs", &body("        // a word on it\n")), 70).len(), 0);
}

#[test]
fn names_that_say_nothing_are_found() {
    for (path, text) in [
        ("src/call_manager.rs", ""),
        ("src/utils/mod.rs", ""),
        ("src/a.rs", "pub struct CallInfo {}"),
        ("src/a.rs", "pub(crate) enum DataKind {}"),
        ("src/a.rs", "pub struct Session;"),
        ("src/a.rs", "    mod common {}"),
    ] {
        assert_eq!(rules::names(&file(path, text), &[]).len(), 1, "{path} {text}");
    }
    for text in
        ["pub struct CallSession;", "pub enum Database {}", "struct Session;", "fn f(data: &[u8]) { let info = 1; }", "pub struct NtpBase;"]
    {
        assert_eq!(rules::names(&file("src/call/session.rs", text), &[("src/call", "NtpBase", "why")]), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn unbounded_queues_bare_allows_and_open_ends_are_found_in_tests_too() {
    for text in ["fn f() { mpsc::unbounded_channel(); }", "#[allow(dead_code)]", "// TODO later", "#[cfg(test)]\nmod tests {\n// FIXME\n}"]
    {
        assert_eq!(rules::banned_text(&file("src/a.rs", text)).len(), 1, "{text}");
    }
    let fine = "#[expect(dead_code, reason = \"x\")]\nconst A: &str = \"TODO #[allow(\"; const B: &str = r#\"a \" unbounded_channel\"#;\n";
    assert_eq!(rules::banned_text(&file("src/a.rs", fine)), Vec::<String>::new());
}

#[test]
fn a_file_without_a_word_on_itself_is_found() {
    assert_eq!(rules::module_docs(&file("src/a.rs", "// no\nfn f() {}")).len(), 1);
    assert_eq!(rules::module_docs(&file("src/a.rs", "//! Yes.\nfn f() {}")).len(), 0);
}

#[test]
fn a_version_outside_the_workspace_is_found() {
    let lints = "[lints]\nworkspace = true\n";
    assert_eq!(rules::manifest("sip/Cargo.toml", &format!("[dependencies]\nbytes = \"1\"\n{lints}")).len(), 1);
    assert_eq!(rules::manifest("sip/Cargo.toml", "[dependencies]\nbytes.workspace = true\n").len(), 1);
    assert_eq!(rules::manifest("sip/Cargo.toml", &format!("[dependencies]\nbytes = {{ workspace = true }}\n{lints}")).len(), 0);
}

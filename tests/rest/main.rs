//! The REST interface of the built program, from outside: an independent reader of its OpenAPI document.
#![expect(clippy::panic, clippy::expect_used, reason = "what the tests share stands outside of test functions")]
#![expect(clippy::indexing_slicing, reason = "tests on files of their own: a wrong index is a failing test")]

mod people;
mod schemathesis;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "callers and their sound are another test's")]
mod support;

//! Calls of web pages against the built program: PyPI aiortc as the page, and whoever would like to be one.
//!
//! Each test starts a gateway and an agent of its own. Without aiortc in the tests' interpreter they are skipped aloud.
#![expect(clippy::indexing_slicing, reason = "tests on files of their own: a wrong index is a failing test")]
#![expect(clippy::panic, clippy::expect_used, clippy::print_stdout, reason = "what the tests share stands outside of test functions")]

mod asks;
mod attacks;
mod browsers;
mod calls;
mod offers;
mod page;
mod sound;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "what telephones need is another test's")]
mod support;

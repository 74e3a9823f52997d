//! The console in a real browser, against the built program: signing in, calls while they run and afterwards, patients; by
//! mouse, by keyboard and by ear, in two languages, and never against the page's own policy.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "what the tests share stands outside of test functions")]

mod phone;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "sound and messages are other tests' business")]
mod support;
mod units;
mod walk;

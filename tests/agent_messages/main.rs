//! Every message between us and a provider is one that the vendor's own types know, to the last key.
//!
//! `AURICLE_PYTHON` names a Python with the packages of tests/support/requirements.txt; `make test` makes one. Without it the
//! tests are skipped, and say so. ElevenLabs publishes no types for Python: what is said to it is told by the tests of its adapter.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test says so by failing, and says aloud what it skips")]

mod deepgram;
mod gemini;
mod gptlive;
mod openai;
mod said;
mod twilio;
mod voicelive;

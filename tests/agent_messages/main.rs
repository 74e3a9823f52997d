//! Every message between us and a provider is one that the vendor's own types know, to the last key.
//!
//! `AURICLE_PYTHON` names a Python with the packages of tests/support/requirements.txt; `make test` makes one. Without it the
//! tests are skipped, and say so. ElevenLabs publishes its types for TypeScript (npm `@elevenlabs/types`, made from its AsyncAPI
//! description), so that the compiler of the console is asked. Ultravox publishes none: its messages are held against those of LiveKit's
//! plugin (PyPI), and the call that is asked for against Ultravox's own OpenAPI description, of which tests/support has an extract.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says so by failing")]

mod deepgram;
mod elevenlabs;
mod gemini;
mod gptlive;
mod openai;
mod said;
#[path = "../support/tools.rs"]
#[expect(dead_code, reason = "no program is looked for")]
mod tools;
mod twilio;
mod ultravox;
mod voicelive;

//! What tests against the built program share: a gateway of one's own, real tools, sound files, and skipping aloud.

pub(crate) mod browser;
pub(crate) mod echo;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod measured;
pub(crate) mod ports;
pub(crate) mod sound;
pub(crate) mod tools;

//! The files of the console: in the program where it is built for release, read from `console/dist` where it is built to
//! be worked on.

use std::borrow::Cow;

use axum::body::Bytes;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "console/dist"]
struct Built;

/// One file.
pub(super) struct File {
    name: String,
    octets: Bytes,
}

impl File {
    /// The file of that name, if there is one.
    pub(super) fn find(name: &str) -> Option<Self> {
        let octets = match Built::get(name)?.data {
            Cow::Borrowed(octets) => Bytes::from_static(octets),
            Cow::Owned(octets) => octets.into(),
        };
        Some(Self { name: name.to_owned(), octets })
    }

    /// What it is, by its name.
    pub(super) fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }

    /// The same packed by gzip, where that is worth it.
    pub(super) fn packed(&self) -> Option<Bytes> {
        Self::find(&format!("{}.gz", self.name)).map(Self::octets)
    }

    /// What is in it.
    pub(super) fn octets(self) -> Bytes {
        self.octets
    }
}
